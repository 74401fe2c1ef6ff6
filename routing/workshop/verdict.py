"""Whether routing pays on somebody's data, from what was measured there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from routing.predictors import DEFAULT, PROMPT_BLIND
from routing.telling import WORTH, money, more_needed, percent, told
from routing.workshop.bounds import MOST_JUDGED

Kind = Literal["pays", "saves", "open", "does not pay", "unmeasured"]
BROUGHT_IN: Final = "brought_in"  # among the measures of a router that was not trained here
SAVED: Final = 0.95  # of the best single expert's cost, at 99 % of its score


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether routing pays, and a sentence with the figures that say so."""

    kind: Kind
    text: str


def verdict(measures: Mapping[str, Any], titles: Mapping[str, str] | None = None) -> Verdict:
    """Judge the measures of one router on the pool of its own experts; see ``judging.judged``.

    Routing pays where its mean score is above the best single expert's and the 95 % interval of the gain lies above 0.
    It saves where it is cheaper at nearly that score, by more than knowing prices alone does, and the 95 % interval of
    its area above the mix of single experts (quality over cost) lies above 0 too: the saving itself has no interval.
    It does not pay where the interval of the gain lies below 0, or ends below ``WORTH``; else that is open.

    Args:
        measures: Of one router.
        titles: Names of experts for people; an expert that has none is called by its own.
    """
    if BROUGHT_IN in measures:
        return Verdict("unmeasured", "Brought in from elsewhere, so nobody measured it on your data.")
    if "own" not in measures:
        return Verdict(
            "unmeasured",
            "Too few test prompts were answered by two experts or more, so nobody can say whether routing pays.",
        )
    rows = measures["own"]["trained"]
    mine, blind = rows[DEFAULT], rows[PROMPT_BLIND]
    best, (low, high) = mine["best_single"], mine["above_best_single_interval"]
    gain = mine["above_best_single"]
    name = (titles or {}).get(best["name"], best["name"])
    facts = (
        f"mean score {mine['score']:.3f} against {best['score']:.3f} for {name} alone, {gain:+.3f} "
        f"(95 % interval {low:+.3f} to {high:+.3f}) on {mine['n_prompts']:,} test prompts{_costs(mine, name)}"
    )
    if low > 0:
        return Verdict("pays", f"Routing pays on your data: {facts}.")
    if (saving := _saving(mine, blind, facts)) is not None:
        return saving
    if told(low, high) == "none":
        slight = "" if high <= 0 else f"; even the upper end is below {WORTH:g}, the least that would matter"
        return Verdict("does not pay", f"Routing does not pay on your data: {facts}{slight}.")
    return Verdict("open", f"It cannot be told yet whether routing pays on your data: {facts}. {_open(mine)}")


def _costs(mine: Mapping[str, Any], best: str) -> str:
    """What that costs beside the best single expert; nothing where a cost is unknown."""
    spent, alone = mine.get("cost_usd"), mine["best_single"].get("cost")
    if spent is None or alone is None:
        return ""
    return f"; 1,000 answers cost {money(1000 * spent)} against {money(1000 * alone)} for {best} alone"


def _open(mine: Mapping[str, Any]) -> str:
    """How many more test prompts would decide."""
    count, (low, high) = mine["n_prompts"], mine["above_best_single_interval"]
    more = more_needed(count, mine["above_best_single"], low, high)
    most = f", but at most {MOST_JUDGED:,} are judged" if count + more > MOST_JUDGED else ""
    return f"If the gain stays so, about {more:,} more test prompts would decide it{most}."


def _saving(mine: Mapping[str, Any], blind: Mapping[str, Any], facts: str) -> Verdict | None:
    """What is said where routing looks cheaper at nearly the best score; None where it does not."""
    cost = (mine["cost_at"] or {}).get("99")
    blind_cost = (blind["cost_at"] or {}).get("99")
    if cost is None or cost >= SAVED or (blind_cost is not None and cost >= blind_cost):
        return None
    area_low = (mine.get("aiq_above_static_mix_interval") or (None, None))[0]
    if area_low is None or area_low <= 0:
        return Verdict("open", f"It cannot be told yet whether routing saves cost on your data: {facts}.")
    beside = "" if blind_cost is None else f" (without reading prompts {percent(blind_cost)})"
    return Verdict(
        "saves",
        f"Routing saves cost on your data: 99 % of the best score for {percent(cost)} of its cost{beside}; {facts}.",
    )
