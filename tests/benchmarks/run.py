"""Measure speed and quality, print both tables and put them into the README between their marks."""

import argparse
import os
import platform
from datetime import date
from pathlib import Path

from routing import predictors
from routing.commands import evaluate_rows, table
from tests.benchmarks import page, speed

README = Path(__file__).resolve().parents[2] / "README.md"


def main() -> None:
    """Run every benchmark; quality needs outcome data and says so where there is none."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder with prompts.parquet and outcomes.parquet")
    data = arguments.parse_args().data
    put("speed", speed_table())
    if (data / "prompts.parquet").is_file():
        put("quality", quality_table(data))
    else:
        print(f"No outcome data at {data}, so quality is not measured; the README keeps its table.")


def speed_table() -> str:
    """Rows of what, figure and what stands beside it."""
    rows = [*speed.routing_rows(), *speed.decision_rows(), *page.rows()]
    lines = [stamp("make bench"), "", "| what | figure | beside it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {figure} | {beside} |" for what, figure, beside in rows)])


def quality_table(data: Path) -> str:
    """Every predictor on the test split."""
    rows = evaluate_rows(data, split="test", routers=list(predictors.PREDICTORS), pools=())
    return f"{stamp('make bench')} Test split; 95 % bootstrap intervals in brackets.\n\n{table(rows)}"


def stamp(command: str) -> str:
    """When, how and on what machine the figures came about."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Measured {date.today().isoformat()} by `{command}` on {machine}."


def put(name: str, text: str) -> None:
    """Print a table and put it between the marks of that name in the README."""
    print(f"{text}\n")
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, _, rest = README.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    if rest:
        README.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
