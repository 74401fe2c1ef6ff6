"""What experts charge, from what answers of an upload cost: for those whose price nobody here states."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from routing.schema import Expert, Floats
from routing.token_count import count_tokens

FEWEST: Final = 20  # costs of one expert from which a price is worked out
SOURCE: Final = "costs in the uploaded table"


def with_stated_costs(experts: Sequence[Expert], prompts: pd.DataFrame, outcomes: pd.DataFrame) -> list[Expert]:
    """The experts, with a price for each that lacks one where its answers' costs are stated.

    The price per token of input and of output is the one of at least 0 that comes closest to the stated costs; where
    no lengths of answers are stated, all is put on the input. Either way mean predicted and mean stated cost agree.

    Args:
        experts: Facts as they are known here.
        prompts: prompt_id and text.
        outcomes: prompt_id, expert, and where stated cost_usd, input_tokens and output_tokens.
    """
    if "cost_usd" not in outcomes:
        return list(experts)
    texts = prompts.set_index("prompt_id")["text"]
    counted: dict[str, int] = {}
    found = []
    for expert in experts:
        rows = outcomes[(outcomes["expert"] == expert.name) & outcomes["cost_usd"].notna()]
        if None not in (expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok) or len(rows) < FEWEST:
            found.append(expert)
            continue
        for key in rows["prompt_id"]:
            counted.setdefault(key, count_tokens(texts[key]))
        price_in, price_out = _fit(
            np.array([counted[key] for key in rows["prompt_id"]], dtype=np.float64),
            rows["output_tokens"].to_numpy(dtype=float) if "output_tokens" in rows else np.full(len(rows), np.nan),
            rows["cost_usd"].to_numpy(dtype=float),
        )
        found.append(
            replace(
                expert, price_in_usd_per_mtok=price_in, price_out_usd_per_mtok=price_out, price_source=SOURCE,
                price_date=date.today(),
            )
        )  # fmt: skip
    return found


def _fit(tokens_in: Floats, tokens_out: Floats, cost_usd: Floats) -> tuple[float, float]:
    """Dollars per million tokens of input and of output."""
    from scipy.optimize import nnls

    known = np.isfinite(tokens_out)
    if known.sum() < FEWEST or not tokens_out[known].sum():
        return float(cost_usd.sum() / tokens_in.sum() * 1e6), 0.0
    lengths = np.column_stack([tokens_in, tokens_out])[known]
    price, _ = nnls(lengths, cost_usd[known])
    spent = float((lengths @ price).sum())
    share = float(cost_usd[known].sum()) / spent if spent else 0.0
    return float(price[0] * share * 1e6), float(price[1] * share * 1e6)
