"""Train a router on my own outcomes."""

import streamlit as st

from pages.common import look, show
from pages.common.workshop import train_check, train_progress, train_routers, train_upload
from routing.errors import RoutingError
from routing.workshop.bounds import MOST_PROMPTS, MOST_ROWS, MOST_UPLOAD_MB


def page() -> None:
    """Upload, say what the columns mean, check, train, judge, put in force; and the routers that are kept."""
    look.apply()
    st.markdown("### How good is a router trained on my own outcomes?")
    st.caption(
        "A table of prompts, the experts that answered them, and how well; or two, of prompts and of outcomes, as "
        "`collect` writes them. CSV or Unicode text of a spreadsheet, JSONL or Parquet, up to "
        f"{MOST_UPLOAD_MB} MB, {MOST_ROWS:,} rows and {MOST_PROMPTS:,} prompts. It stays on this machine."
    )
    for part in (train_progress.progress, new, train_routers.kept_routers):
        try:
            part()
        except RoutingError as problem:
            st.warning(show.escape(str(problem)), icon=":material/warning:")


def new() -> None:
    """The way from a file to a training; nothing while one runs."""
    if train_progress.is_running():
        return
    upload = train_upload.upload()
    if upload is None:
        return
    columns = train_upload.columns_of(upload)
    if columns is not None:
        train_check.check(upload, columns)


page()
