"""What a training would learn from, said before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from routing.workshop.checking import Checked

FEW: Final = 200  # training outcomes of an expert below which its predictions are mostly its mean
FEWEST: Final = 30  # below which it is left out
FEW_TESTED: Final = 100  # test prompts answered by all below which the verdict is hardly more than chance
PROMPTS_PER_S: Final = 100  # encoded on a small machine that also serves the app
FIT_S: Final = 20
NO_LENGTHS: Final = "No output tokens are given, so this router cannot say what answers cost or how long they take."


@dataclass(frozen=True, slots=True)
class Outlook:
    """A summary.

    Args:
        splits: Prompts per split.
        experts: Per expert: training outcomes, outcomes, mean score; a row each, most outcomes first.
        n_common: Test prompts that every expert answered.
        minutes: About how long a training takes.
        warnings: Sentences about what is too few.
    """

    splits: Mapping[str, int]
    experts: pd.DataFrame
    n_common: int
    minutes: float
    warnings: tuple[str, ...]


def outlook(checked: Checked) -> Outlook:
    """Sum up checked tables."""
    prompts, outcomes = checked.prompts, checked.outcomes
    split = outcomes["prompt_id"].map(prompts.set_index("prompt_id")["split"])
    by_expert = outcomes.assign(is_train=split == "train").groupby("expert")
    table = by_expert.agg(n_train=("is_train", "sum"), n=("score", "size"), mean=("score", "mean"))
    table = table.sort_values("n", ascending=False).reset_index()
    known = outcomes.assign(split=split.to_numpy())
    answered = known[known["split"] == "test"].groupby("prompt_id")["expert"].nunique()
    n_common = int((answered == len(table)).sum())
    warnings = []
    gone = list(table.loc[table["n_train"] < FEWEST, "expert"])
    few = list(table.loc[(table["n_train"] >= FEWEST) & (table["n_train"] < FEW), "expert"])
    if gone:
        warnings.append(f"Fewer than {FEWEST} training outcomes, so left out: {_some(gone)}.")
    if few:
        warnings.append(f"Fewer than {FEW} training outcomes, so predicted close to the mean: {_some(few)}.")
    if n_common < FEW_TESTED:
        warnings.append(
            f"{n_common} test prompts were answered by every expert, so what routing gains can hardly be measured; "
            "choose experts that answered the same prompts."
        )
    if "output_tokens" not in outcomes or not outcomes["output_tokens"].notna().any():
        warnings.append(NO_LENGTHS)
    seconds = FIT_S + len(prompts) / PROMPTS_PER_S + len(prompts) * 6e-4
    splits = {str(name): int(n) for name, n in prompts["split"].value_counts().items()}
    return Outlook(splits, table, n_common, seconds / 60.0, tuple(warnings))


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
