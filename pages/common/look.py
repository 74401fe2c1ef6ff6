"""The few rules of appearance that the theme cannot state."""

import streamlit as st

_CSS = """
<style>
.block-container { padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1360px; }
.st-key-panel_weights, .st-key-panel_limits { padding-top: .4rem; }
.ends { display: flex; justify-content: space-between; font-size: .74rem; opacity: .65; margin: -.55rem 0 .55rem; }
[data-testid="stSliderTickBar"] { display: none; }
.lead { font-size: 1.28rem; line-height: 1.45; margin: .1rem 0 .2rem; }
.quiet { opacity: .68; font-size: .88rem; }
[data-testid="stMetricValue"] { font-size: 1.25rem; }
.facts { width: 100%; font-size: .84rem; border-collapse: collapse; }
.facts th { font-weight: 500; opacity: .6; text-align: right; }
.facts td { padding: .12rem 0; text-align: right; } .facts td:first-child { text-align: left; opacity: .75; }
.heat { line-height: 2.1; max-height: 420px; overflow-y: auto; overflow-wrap: anywhere; }
.heat span { padding: .12rem .22rem; border-radius: .2rem; }
.heat .for { background: color-mix(in srgb, rgb(0 114 178 / .55) var(--w), transparent); }
.heat .against { background: color-mix(in srgb, rgb(213 94 0 / .6) var(--w), transparent);
  box-shadow: inset 0 -2px color-mix(in srgb, rgb(213 94 0) var(--w), transparent); }
@media (max-width: 640px) {
  .block-container { padding-left: 1rem; padding-right: 1rem; }
  .lead { font-size: 1.1rem; }
  .st-key-in_force { margin-top: 1.6rem; }
  .st-key-live > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-direction: column-reverse; }
}
</style>
"""


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def apply() -> None:
    """Put the rules on the page."""
    st.html(_CSS)
