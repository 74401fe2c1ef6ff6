"""Measure speed, print the table and put it into the README; quality is measured by ``python -m routing report``."""

from datetime import date
from pathlib import Path

from routing.commands.report import machine
from routing.evidence_tables import replaced
from tests.benchmarks import page, personal_data, speed

README = Path(__file__).resolve().parents[2] / "README.md"


def main() -> None:
    """Run every benchmark of speed."""
    text = speed_table()
    print(text)
    README.write_text(replaced(README.read_text(encoding="utf-8"), "speed", text), encoding="utf-8")


def speed_table() -> str:
    """Rows of what, figure and what stands beside it."""
    rows = [*speed.routing_rows(), *speed.single_rows(), *speed.decision_rows(), *page.rows(), *personal_data.rows()]
    stamp = f"Measured {date.today().isoformat()} by `make bench` on {machine()}."
    lines = [stamp, "", "| what | figure | beside it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {figure} | {beside} |" for what, figure, beside in rows)])


if __name__ == "__main__":
    main()
