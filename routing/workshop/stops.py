"""Why nothing can be trained on a table as a whole."""

import pandas as pd

from routing.workshop.bounds import FEWEST_PROMPTS, MOST_EXPERTS, MOST_OUTCOMES, MOST_PROMPTS, MOST_SOURCES


def stops_of(prompts: pd.DataFrame, outcomes: pd.DataFrame, crossing: int | None) -> list[str]:
    """Why nothing can be trained on these tables; ``crossing`` counts groups in two stated splits, None if none is."""
    found = []
    n_experts = outcomes["expert"].nunique()
    if len(prompts) < FEWEST_PROMPTS:
        found.append(f"There are {len(prompts):,} usable prompts; at least {FEWEST_PROMPTS} are needed. Add prompts.")
    if len(prompts) > MOST_PROMPTS:
        found.append(f"There are {len(prompts):,} prompts; at most {MOST_PROMPTS:,} are trained on. Take a sample.")
    if len(outcomes) > MOST_OUTCOMES:
        found.append(f"There are {len(outcomes):,} outcomes; at most {MOST_OUTCOMES:,} are used. Take a sample.")
    if not 2 <= n_experts <= MOST_EXPERTS:
        found.append(f"There are outcomes of {n_experts} experts; 2 to {MOST_EXPERTS} can be routed between.")
    if (n_sources := prompts["source"].nunique()) > MOST_SOURCES:
        found.append(f"There are {n_sources} sources; at most {MOST_SOURCES} are told apart. Choose another column.")
    if crossing is not None:
        absent = {"train", "validation", "test"} - set(prompts["split"])
        if absent:
            found.append(f"The column of splits has no {sorted(absent)[0]!r}. Leave that column out, or add some.")
        if crossing:
            found.append(
                f"{crossing:,} groups of the same question lie in two splits. Leave the column of splits "
                "out, and they are split by group."
            )
    return found
