"""What ``onboard --validate`` does: leave known experts out, print the curves, keep them and the README's table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from routing.catalog import ASSETS
from routing.commands import say, write_whole
from routing.commands.report import README
from routing.evidence_tables import replaced

MARKS: Final = "onboarding"


def validate_onboarding(data: Path, *, split: str, json_file: Path | None, store: bool) -> None:
    """Validate on the data, print one row per pool and way of learning, and write what is asked for.

    Args:
        data: Folder with prompts.parquet, outcomes.parquet and pools.json.
        split: Prompts to judge on.
        json_file: Where every measure goes; nowhere if None.
        store: Whether to renew the shipped basis, the shipped curves and the README's table too.

    Raises:
        DataError: The data cannot be used.
        GraphError: The router's files are missing or damaged.
    """
    from routing.onboarding.study import CURVES_FILE, validate, write_basis

    found = validate(data, split=split, progress=say)
    print(curves_table(found))
    if json_file is not None:
        write_whole(json_file, json.dumps(found, indent=1))
        say(f"Every measure is in {json_file}")
    if store:
        say(f"{write_basis(data, progress=say).name} written")
        write_whole(ASSETS / CURVES_FILE, json.dumps(found, indent=1) + "\n")
        write_whole(README, with_curves(README.read_text(encoding="utf-8"), found))
        say(f"{CURVES_FILE} and the table of {README.name} written")


def with_curves(readme: str, found: Mapping[str, Any]) -> str:
    """The README with the table of these curves."""
    head = (
        f"Measured {found['date']} by `python -m routing onboard --validate`: every expert of a pool left out in turn, "
        f"probed with its outcomes on {found['probes_from']} prompts, judged on {found['split']} prompts."
    )
    return replaced(readme, MARKS, f"{head}\n\n{curves_table(found)}")


def curves_table(found: Mapping[str, Any]) -> str:
    """The curves as a Markdown table."""
    names = (
        "pool",
        "learned from",
        "number",
        "regret",
        "of the worst expert",
        "Brier",
        "rank correlation",
        "90 % covers",
    )
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for pool, measures in found["pools"].items():
        for row in measures["rows"]:
            count = "all" if row["learned_from"] == "all figures" else row["count"]
            lines.append(
                f"| {pool} | {row['learned_from'].removeprefix('all ')} | {count} | {row['regret']:+.4f} "
                f"| {row['regret_worst']:+.4f} | {row['brier']:+.4f} | {row['rank_correlation']:.3f} "
                f"| {row['coverage']:.3f} |"
            )
    return "\n".join(lines)
