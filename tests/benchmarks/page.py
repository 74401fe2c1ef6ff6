"""How long the server works when a slider moves: the whole script under AppTest, an upper bound for the fragment."""

import time
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[tuple[str, str, str]]:
    """Median and 95th percentile over slider moves on the Route page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    app.text_area(key="prompt").set_value("How many ways are there to seat five people round a table?").run()
    times = []
    for turn in range(40):
        slider = app.select_slider(key="weight_cost")
        slider.set_value(slider.options and (0.1, 0.2)[turn % 2])
        started = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - started)
    kept = np.array(times[5:]) * 1e3
    return [
        (
            "Server time of one slider move on Route, p50",
            f"{np.median(kept):.0f} ms",
            f"p95 {np.percentile(kept, 95):.0f} ms",
        )
    ]
