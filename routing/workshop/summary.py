"""What a training would learn from, said before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from routing.workshop.bounds import FEWEST_IN_SOURCE, FEWEST_OUTCOMES
from routing.workshop.checking import Checked
from routing.workshop.stops import left_out

FEW: Final = 200  # training outcomes of an expert below which its predictions are mostly its mean
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
    n_common, n_tested = int((answered == len(table)).sum()), len(answered)
    warnings = []
    gone = [name for name, is_out in left_out(prompts, outcomes).items() if is_out]
    few = [name for name in table.loc[table["n_train"] < FEW, "expert"] if name not in gone]
    spread = outcomes[split == "train"].groupby("expert")["score"].nunique()
    flat = [name for name in table["expert"] if spread.get(name, 0) == 1 and name not in gone]
    if gone:
        needed = f"{FEWEST_OUTCOMES} training outcomes, or than {FEWEST_IN_SOURCE} from each source"
        warnings.append(f"Fewer than {needed}, so left out: {_some(gone)}.")
    if flat:
        warnings.append(f"Every training score is the same, so that one is predicted everywhere: {_some(flat)}.")
    if few:
        warnings.append(f"Fewer than {FEW} training outcomes, so predicted close to the mean: {_some(few)}.")
    if n_common < FEW_TESTED:
        warnings.append(_few_tested(n_common, n_tested))
    told = outcomes.dropna(subset=["output_tokens"])["expert"].unique() if "output_tokens" in outcomes else ()
    silent = [name for name in table["expert"] if name not in set(told)]
    if len(silent) == len(table):
        warnings.append(NO_LENGTHS)
    elif silent:
        warnings.append(f"No output tokens are given, so nothing can say what their answers cost: {_some(silent)}.")
    seconds = FIT_S + len(prompts) / PROMPTS_PER_S + len(prompts) * 6e-4
    splits = {str(name): int(n) for name, n in prompts["split"].value_counts().items()}
    return Outlook(splits, table, n_common, seconds / 60.0, tuple(warnings))


def _few_tested(n_common: int, n_tested: int) -> str:
    """Why little can be measured: too few test prompts at all, or too few that everyone answered."""
    tail = "so only a large gain of routing can be told from chance"
    if n_tested < FEW_TESTED:
        return f"There are {n_tested} test prompts, {n_common} of them answered by every expert, {tail}; add prompts."
    return (
        f"{n_common} of {n_tested:,} test prompts were answered by every expert, {tail}; choose experts that answered "
        "the same prompts."
    )


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
