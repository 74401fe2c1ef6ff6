"""The workbench: what every page shares, and which pages there are."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from routing.errors import RoutingError

ROOT = Path(__file__).parent
PAGES = {
    "Ask": [
        ("pages/ask/route.py", "Route", ":material/alt_route:"),
        ("pages/ask/compare.py", "Compare", ":material/view_column:"),
    ],
    "Trade-offs": [
        ("pages/tradeoffs/front.py", "Front", ":material/show_chart:"),
        ("pages/tradeoffs/policies.py", "Policies", ":material/rule_settings:"),
    ],
    "Evidence": [
        ("pages/evidence/routers.py", "Routers", ":material/leaderboard:"),
        ("pages/evidence/experts.py", "Experts", ":material/groups:"),
        ("pages/evidence/history.py", "History", ":material/history:"),
    ],
    "Workshop": [
        ("pages/workshop/onboard.py", "Onboard", ":material/person_add:"),
        ("pages/workshop/train.py", "Train", ":material/model_training:"),
    ],
}


def main() -> None:
    """Run the page that the address names; Route where it names none."""
    from pages.common import in_force, link, signin

    st.set_page_config(page_title="Thalamus", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide")
    st.logo(ROOT / "assets" / "logo.svg", size="large")
    pages = {
        section: [st.Page(ROOT / path, title=title, icon=icon, default=title == "Route") for path, title, icon in rows]
        for section, rows in PAGES.items()
    }
    page = st.navigation(pages)
    if signin.is_needed():
        signin.form()
        return
    signin.out()
    try:
        if page.title != "Train":  # which says it among all routers
            in_force.notice()
        link.take_over()
        page.run()
    except RoutingError as problem:
        # A damaged installation: every page needs the router, so nothing else can be shown.
        st.error(str(problem), icon=":material/error:")


if st.runtime.exists():
    main()
else:
    # The server imports this file once, before the first session. A folder called pages makes Streamlit look for pages
    # in its older way until st.navigation has run once; whoever opens a cold server on a deep link would then be told
    # "Page not found". st.navigation itself clears the same flag, only too late for the first visitor.
    from starlette.middleware import Middleware

    from pages.common.headers import Headers

    PagesManager.uses_pages_directory = False
    app = st.App(__file__, middleware=[Middleware(Headers)])
