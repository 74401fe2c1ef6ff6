"""What the stored numbers come down to, in plain words."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from routing.figures.evidence.board import verdict
from routing.figures.evidence.looks import ends, number
from routing.telling import more_needed, percent, told

Rows = Sequence[Mapping[str, Any]]


def lead(row: Mapping[str, Any], pool: str, experts: Mapping[str, str]) -> str:
    """Whether routing pays on a pool, in one sentence.

    Args:
        row: The default router's stored row of the pool.
        pool: Name of the pool for people.
        experts: Name of each expert for people.
    """
    best = row.get("best_single") or {}
    name = experts.get(str(best.get("name")), str(best.get("name", "the best single expert")))
    above, (low, high) = number(row, "aiq_above_static_mix"), ends(row, "aiq_above_static_mix_interval")
    if math.isnan(above):
        return _by_score(row, pool, name)
    if not low > 0:
        return (
            f"{pool}: {_unpaid(row, above, low, high)}: at equal cost it scores {above:+.3f} against a random mix of "
            f"single experts (95 % interval {low:+.3f} to {high:+.3f})."
        )
    cost_at = row.get("cost_at") or {}
    for share, reached in (("100", f"reaches the score of the best single expert, {name},"), ("99", _nearly(name))):
        cost = number(cost_at, share)
        if cost <= 1:
            return f"{pool}: routing {reached} at {percent(cost)} of its cost."
    return (
        f"{pool}: routing scores {above:.3f} more than a random mix of single experts of equal cost, but does not "
        f"reach the best single expert, {name}, for less."
    )


def _nearly(name: str) -> str:
    return f"reaches 99 % of the score of the best single expert, {name},"


def _unpaid(row: Mapping[str, Any], gain: float, low: float, high: float) -> str:
    """That routing does not pay, or how many more prompts would tell whether it does."""
    if told(low, high) == "none":
        return "routing does not pay here"
    count = row.get("n_prompts")
    if count is None or math.isnan(low):
        return "it cannot be told whether routing pays here"
    more = more_needed(count, gain, low, high)
    return f"{count:,} prompts cannot tell whether routing pays here, about {more:,} more would"


def _by_score(row: Mapping[str, Any], pool: str, name: str) -> str:
    if verdict(row) == "above":
        return f"{pool}: routing scores more than the best single expert, {name}; costs are not known."
    gain = number(row, "score") - number(row.get("best_single") or {}, "score")
    low, high = ends(row, "above_best_single_interval")
    return (
        f"{pool}: {_unpaid(row, gain, low, high)}: it scores {gain:+.3f} against the best single expert, {name} "
        f"(95 % interval {low:+.3f} to {high:+.3f}); costs are not known."
    )


def support(row: Mapping[str, Any]) -> str:
    """The two facts behind the verdict: quality alone, and how much of the gain is reading the prompt."""
    best = row.get("best_single") or {}
    score, alone = number(row, "score"), number(best, "score")
    low, high = ends(row, "above_best_single_interval")
    means = {"above": "more than chance", "below": "a real loss"}.get(verdict(row), "not told apart")
    text = f"When only quality counts: {score:.3f} against {alone:.3f} ({score - alone:+.3f}"
    text += f", 95 % interval {low:+.3f} to {high:+.3f}: {means})." if not math.isnan(low) else ")."
    above, blind = number(row, "aiq_above_static_mix"), number(row, "aiq_prompt_blind_above_static_mix")
    if math.isnan(above) or math.isnan(blind):
        return text
    return (
        f"{text} At equal cost: {above:.3f} above a random mix of single experts, of which {above - blind:.3f} comes "
        "from reading the prompt and the rest from knowing what it will cost."
    )


def collapse(names: Sequence[tuple[str, str, float]]) -> str:
    """The collapse warning, one sentence for all routers it concerns; empty where there is none."""
    if not names:
        return ""
    listed = ", ".join(f"{router} ({percent(share)} to {expert})" for router, expert, share in names[:6])
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"Collapsed to one expert, above 95 % of the prompts: {listed}{more}."
