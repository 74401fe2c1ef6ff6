"""Two tables, prompts and their outcomes as `collect` and `fetch` write them, to the one that training is given."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from routing.errors import DataError
from routing.workshop.bounds import MOST_TEXT_MB

KEY: Final = "prompt_id"
PROMPT: Final = ("text", "prompt", "question")


def joined(named: Sequence[tuple[str, pd.DataFrame]]) -> tuple[pd.DataFrame, int]:
    """Outcomes with the columns of their prompts, in the order of the outcomes.

    Args:
        named: Two tables of text, each behind the name of its file, in any order.

    Returns:
        The one table, and which of the two holds the outcomes: 0 or 1.

    Raises:
        DataError: They do not belong together: a key is missing, twice or unknown, or not exactly one holds prompts.
    """
    for name, table in named:
        if KEY not in table.columns:
            raise DataError(f"{name[:60]} has no column {KEY}, which joins two tables. Give both one, or upload one.")
    holds = [next((column for column in PROMPT if column in table.columns), "") for _, table in named]
    if bool(holds[0]) == bool(holds[1]):
        raise DataError(
            f"{'Both tables hold' if holds[0] else 'Neither table holds'} prompts in a column {' or '.join(PROMPT)}. "
            "Give one of prompts and one of outcomes."
        )
    at = 0 if holds[1] else 1
    (name, prompts), outcomes = named[1 - at], named[at][1]
    twice, unknown = prompts[KEY].duplicated(), ~outcomes[KEY].isin(set(prompts[KEY]))
    if twice.any():
        raise DataError(f"{name[:60]} has the {KEY} {prompts[KEY][twice].iloc[0][:60]!r} twice. Keep one row of each.")
    if unknown.any():
        first = outcomes[KEY][unknown].iloc[0][:60]
        raise DataError(
            f"{int(unknown.sum()):,} outcomes are of prompts that {name[:60]} lacks, first {first!r}. Give both tables "
            "of one collection."
        )
    added = [column for column in prompts.columns if column == KEY or column not in outcomes.columns]
    length = prompts[added].apply(lambda values: values.str.len()).sum(axis=1)  # all that is repeated by outcome
    if (size := float(outcomes[KEY].map(length.set_axis(prompts[KEY])).sum()) / 1e6) > MOST_TEXT_MB:
        raise DataError(f"The joined table has {size:,.0f} MB; at most {MOST_TEXT_MB} MB are read. Take a sample.")
    merged = outcomes.merge(prompts[added], on=KEY, how="left", validate="many_to_one")
    return merged.set_axis(outcomes.index), at
