"""The workbench: what every page shares, and which pages there are."""

import streamlit as st

from pages.common import link

st.set_page_config(page_title="Thalamus", page_icon=":material/alt_route:", layout="wide")
st.logo("assets/logo.svg", size="large")
PAGES = {
    "Ask": [
        st.Page("pages/ask/route.py", title="Route", icon=":material/alt_route:", default=True),
        st.Page("pages/ask/compare.py", title="Compare", icon=":material/view_column:"),
    ],
    "Trade-offs": [st.Page("pages/tradeoffs/front.py", title="Front", icon=":material/show_chart:")],
    "Evidence": [st.Page("pages/evidence/experts.py", title="Experts", icon=":material/groups:")],
}
page = st.navigation(PAGES)
link.take_over()
page.run()
