"""Own routers: outcomes are uploaded, checked, trained on in a process of its own, judged, kept, exchanged as a zip."""
