"""Measure and print; the table goes into the README between its marks."""

import platform
import sys
from datetime import date
from pathlib import Path

from tests.benchmarks import page, speed

README = Path(__file__).resolve().parents[2] / "README.md"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def main() -> None:
    """Run every benchmark, print the table and put it into the README."""
    rows = [*speed.routing_rows(), *speed.decision_rows(), *page.rows()]
    machine = f"{platform.system()} {platform.machine()}, {_processor()}, Python {platform.python_version()}"
    lines = [
        f"Measured {date.today().isoformat()} by `make bench` on {machine}.",
        "",
        "| what | figure | beside it |",
        "|---|---|---|",
    ]
    lines += [f"| {what} | {figure} | {beside} |" for what, figure, beside in rows]
    table = "\n".join(lines)
    print(table)
    text = README.read_text(encoding="utf-8")
    if START in text and END in text:
        before, rest = text.split(START, 1)
        README.write_text(f"{before}{START}\n{table}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def _processor() -> str:
    import os

    return f"{os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
