"""Parts of the Workshop pages."""
