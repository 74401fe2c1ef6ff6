"""Why nothing can be trained on a table as a whole."""

from typing import Final

import pandas as pd

from routing.workshop.bounds import (
    FEWEST_IN_SOURCE,
    FEWEST_OUTCOMES,
    FEWEST_PROMPTS,
    MOST_EXPERTS,
    MOST_OUTCOMES,
    MOST_PROMPTS,
    MOST_SOURCES,
)

USES: Final = {"train": "learn from", "validation": "calibrate on", "test": "judge on"}


def stops_of(prompts: pd.DataFrame, outcomes: pd.DataFrame, crossing: int | None) -> list[str]:
    """Why nothing can be trained on these tables; ``crossing`` counts groups in two stated splits, None if none is."""
    found = []
    n_experts = outcomes["expert"].nunique()
    if len(prompts) < FEWEST_PROMPTS:
        said = "is 1 usable prompt" if len(prompts) == 1 else f"are {len(prompts):,} usable prompts"
        found.append(f"There {said}; at least {FEWEST_PROMPTS} are needed. Add prompts.")
    if len(prompts) > MOST_PROMPTS:
        found.append(f"There are {len(prompts):,} prompts; at most {MOST_PROMPTS:,} are trained on. Take a sample.")
    if len(outcomes) > MOST_OUTCOMES:
        found.append(f"There are {len(outcomes):,} outcomes; at most {MOST_OUTCOMES:,} are used. Take a sample.")
    if not 2 <= n_experts <= MOST_EXPERTS:
        said = "one expert" if n_experts == 1 else f"{n_experts} experts"
        found.append(f"There are outcomes of {said}; 2 to {MOST_EXPERTS} can be routed between.")
    if (n_sources := prompts["source"].nunique()) > MOST_SOURCES:
        found.append(f"There are {n_sources} sources; at most {MOST_SOURCES} are told apart. Choose another column.")
    if not found:  # else what is missing follows from that
        found += _by_split(prompts, outcomes, is_stated=crossing is not None)
    if crossing:
        found.append(
            f"{crossing:,} groups of the same question lie in two splits. Leave the column of splits "
            "out, and they are split by group."
        )
    return found


def _by_split(prompts: pd.DataFrame, outcomes: pd.DataFrame, *, is_stated: bool) -> list[str]:
    """What a split lacks: prompts, or enough outcomes of two experts to learn from."""
    here = set(prompts["split"])
    absent = sorted(set(USES) - here)
    if absent and is_stated:
        return [f"The column of splits has no {absent[0]!r}. Leave that column out, or add some."]
    if absent:
        return [
            f"No prompt is left to {USES[absent[0]]}: prompts of one group stay together, and there are "
            f"{prompts['group'].nunique():,} groups. Choose another column of groups or of splits, or more experts."
        ]
    left = [name for name, why in left_out(prompts, outcomes).items() if why]
    known = outcomes["expert"].nunique()
    if known >= 2 > known - len(left):
        return [
            f"Of {known} experts {known - len(left) or 'none'} can be learned; two are needed. An expert needs "
            f"{FEWEST_OUTCOMES} training outcomes, {FEWEST_IN_SOURCE} of them from one source. Add outcomes, or choose "
            "another column of sources."
        ]
    scores = outcomes.loc[outcomes["prompt_id"].isin(_train(prompts)), "score"]
    if scores.nunique() < 2:
        return ["Every training score is the same, so there is nothing to learn. Choose another column of scores."]
    return []


def left_out(prompts: pd.DataFrame, outcomes: pd.DataFrame) -> dict[str, bool]:
    """Whether each expert has too few training outcomes to take part."""
    source = outcomes["prompt_id"].map(prompts.set_index("prompt_id")["source"])
    is_train = outcomes["prompt_id"].isin(_train(prompts))
    counts = outcomes.assign(source=source)[is_train].groupby(["expert", "source"]).size().groupby("expert")
    enough = (counts.sum() >= FEWEST_OUTCOMES) & (counts.max() >= FEWEST_IN_SOURCE)
    return {str(name): not enough.get(name, False) for name in outcomes["expert"].unique()}


def _train(prompts: pd.DataFrame) -> set[str]:
    return set(prompts.loc[prompts["split"] == "train", "prompt_id"])
