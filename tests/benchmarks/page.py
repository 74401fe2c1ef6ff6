"""How long the server works when a slider moves: the fragment of the Route page, timed while AppTest runs it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[tuple[str, str, str]]:
    """Median and 95th percentile over slider moves on the Route page."""
    times: list[float] = []
    with patch.object(st, "fragment", timed(st.fragment, times)):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
        app.text_area(key="prompt").set_value("How many ways are there to seat five people round a table?").run()
        for turn in range(45):
            app.select_slider(key="weight_cost").set_value((0.1, 0.2)[turn % 2]).run()
    kept = np.array(times[6:]) * 1e3
    what = "Server time of one slider move on Route (the fragment that runs then), p50"
    return [(what, f"{np.median(kept):.0f} ms", f"p95 {np.percentile(kept, 95):.0f} ms")]


def timed(fragment: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    """Streamlit's fragment decorator, with every run of what it decorates timed."""

    def decorate(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        run = fragment(function, **options)

        def measured(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = run(*arguments)
            times.append(time.perf_counter() - started)
            return result

        return measured

    return decorate
