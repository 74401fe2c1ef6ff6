"""Downloads that open safely in a spreadsheet."""

import pandas as pd
import streamlit as st

# A cell that begins so is a formula to a spreadsheet; answers and prompts are text from elsewhere.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are full width


def csv_button(frame: pd.DataFrame, file: str, *, key: str, label: str = "Download as CSV") -> None:
    """A button that downloads a table; text that would run as a formula is quoted."""
    st.download_button(
        label,
        lambda: csv_bytes(frame),  # made on the click, not on every move of a slider
        file,
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=key,
    )


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8, without columns that begin with an underscore."""
    shown = frame[[c for c in frame.columns if not str(c).startswith("_")]]
    return shown.map(_harmless).to_csv(index=False).encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
