"""The leaderboard, and the oracle ladder that it stands on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import Look, bars, ends, layout, number, rows_up
from routing.figures.style import GREEN, GREY, VERMILION
from routing.predictors import DEFAULT, PROMPT_BLIND

Rows = Sequence[Mapping[str, Any]]
LEVEL: Final = 0.05
STEPS: Final = (("random", "Random"), ("best_single", "Best single"), ("dataset_oracle", "Dataset oracle"))


def leaderboard(rows: Rows, titles: Mapping[str, str], systems: Mapping[str, str]) -> pd.DataFrame:
    """One row a router on one pool, the highest mean score first.

    Args:
        rows: Objects of ``evaluate --json`` on that pool.
        titles: Name of each router for people.
        systems: The system that each router belongs to.
    """
    found = [_board_row(row, titles, systems) for row in rows]
    frame = pd.DataFrame(found)
    return frame if frame.empty else frame.sort_values("Mean score", ascending=False, ignore_index=True, kind="stable")


def _board_row(row: Mapping[str, Any], titles: Mapping[str, str], systems: Mapping[str, str]) -> dict[str, Any]:
    name = str(row["router"])
    best = row.get("best_single") or {}
    low, high = ends(row, "score_interval")
    gain_low, gain_high = ends(row, "above_best_single_interval")
    aiq_low, aiq_high = ends(row, "aiq_above_static_mix_interval")
    cost_at = row.get("cost_at") or {}
    return {
        **{"_router": name, "Router": titles.get(name, name), "System": systems.get(name, "")},
        **{"Mean score": number(row, "score"), "95 % interval": between(low, high)},
        "Against best single": number(row, "score") - number(best, "score"),
        **{"Its interval": between(gain_low, gain_high, "+.3f"), "p": number(row, "p_value"), "Verdict": verdict(row)},
        "Gap closed": number(row, "gap_closed"),
        "Optimal, strict": number(row, "accuracy_strict"),
        "Optimal, with ties": number(row, "accuracy_tolerant"),
        "Regret": number(row, "regret"),
        **{f"Best of first {n}": number(row.get("score_of_first") or {}, str(n)) for n in (2, 3)},
        "Calls": number(row, "calls"),
        "AIQ above mix": number(row, "aiq_above_static_mix"),
        "AIQ interval": between(aiq_low, aiq_high, "+.3f"),
        "AIQ above prompt-blind": number(row, "aiq") - number(row, "aiq_prompt_blind"),
        "Cost at 99 %": number(cost_at, "99"),
        **{"Brier": number(row, "brier"), "Calibration error": number(row, "calibration_error")},
        "Rank correlation": number(row, "rank_correlation"),
        "Coverage of 90 % intervals": number(row, "interval_coverage"),
        **{"APGR": number(row, "apgr"), "ms a prompt": number(row, "ms_p50")},
        **{"Score low": low, "Score high": high, "Difference low": gain_low, "Difference high": gain_high},
        **{"AIQ low": aiq_low, "AIQ high": aiq_high},
    }


def between(low: float, high: float, form: str = ".3f") -> str | None:
    """An interval as text; None where there is none."""
    return None if math.isnan(low) else f"{low:{form}} to {high:{form}}"


def verdict(row: Mapping[str, Any]) -> str:
    """Whether a router's mean score is above, below or not told apart from the best single expert's."""
    low, high = ends(row, "above_best_single_interval")
    p = number(row, "p_value")
    if math.isnan(low) or low <= 0 <= high or p > LEVEL:
        return "not told apart"
    return "above" if low > 0 else "below"


def ladder(frame: pd.DataFrame, row: Mapping[str, Any], looks: Mapping[str, Look]) -> go.Figure:
    """Every router's mean score with its interval, among random, best single, dataset oracle and oracle.

    Args:
        frame: From ``leaderboard``.
        row: Any one stored row of that pool, for the ladder.
        looks: Of the routers to draw.
    """
    shown = frame[frame["_router"].isin(list(looks))].iloc[::-1]
    figure = go.Figure()
    for key, title, colour, dash in (
        ("random", "Random", GREY, "dot"),
        ("best_single", "Best single", VERMILION, "solid"),
        ("dataset_oracle", "Dataset oracle", GREEN, "dash"),
        ("oracle", "Oracle", GREEN, "solid"),
    ):
        value = step(row, key)
        if math.isnan(value) or shown.empty:
            continue
        figure.add_scatter(
            **{"x": [value, value], "y": [-0.6, len(shown) - 0.4], "mode": "lines", "name": f"{title} {value:.3f}"},
            **{"line": {"color": colour, "dash": dash, "width": 1.5}, "hoverinfo": "skip"},
        )
    for at, (_, one) in enumerate(shown.iterrows()):
        look = looks[one["_router"]]
        is_told = one["Verdict"] != "not told apart"
        figure.add_scatter(
            **{"x": [one["Mean score"]], "y": [at], "mode": "markers", "showlegend": False},
            error_x=bars([one["Mean score"]], [one["Score low"]], [one["Score high"]], look.colour),
            marker={
                "symbol": "circle" if is_told else "circle-open",
                "size": 10,
                "color": look.colour,
                "line": {"width": 2, "color": look.colour},
            },
            hovertemplate=_hover(one),
        )
    rows_up(figure, list(shown["Router"]))
    figure.update_xaxes(title="Mean score")
    return layout(figure, height=120 + 34 * len(shown))


def _hover(one: "pd.Series[Any]") -> str:
    return (
        f"<b>{one['Router']}</b><br>%{{x:.3f}} ({one['Score low']:.3f} to {one['Score high']:.3f})"
        f"<br>against best single {one['Against best single']:+.3f}"
        f" ({one['Difference low']:+.3f} to {one['Difference high']:+.3f})<extra></extra>"
    )


def step(row: Mapping[str, Any], key: str) -> float:
    """One step of the ladder as a number."""
    value = row.get(key)
    return number(value, "score") if isinstance(value, Mapping) else number(row, key)


def ladder_table(row: Mapping[str, Any], titles: Mapping[str, str]) -> pd.DataFrame:
    """The steps of the ladder."""
    best = row.get("best_single") or {}
    name = str(best.get("name", ""))
    notes = {"best_single": titles.get(name, name)}
    steps = [*STEPS, ("oracle", "Oracle")]
    return pd.DataFrame([{"Step": t, "Mean score": step(row, k), "Expert": notes.get(k, "")} for k, t in steps])


def leading(rows: Rows, systems: Mapping[str, str]) -> list[str]:
    """The default router, each system's best by mean AIQ above the static mix, and the prompt-blind floor."""
    table = pd.DataFrame(
        [(row["router"], number(row, "aiq_above_static_mix")) for row in rows], columns=["router", "above"]
    ).dropna()
    table["system"] = table["router"].map(lambda name: systems.get(name, ""))
    mean = table.groupby(["system", "router"], sort=False)["above"].mean().sort_values(ascending=False, kind="stable")
    best = {system: router for system, router in reversed(list(mean.index)) if system not in {"", "Controls"}}
    judged = {str(row["router"]) for row in rows}
    chosen = [DEFAULT, *(r for s, r in best.items()), PROMPT_BLIND]
    return [name for name in dict.fromkeys(chosen) if name in judged]


def asked(stored: Sequence[Mapping[str, Any]], pool: str, experts: Mapping[str, str]) -> pd.DataFrame:
    """LLMs that were asked to choose an expert, one row each, beside the ladder of the same prompts."""
    rows = []
    for judge in stored:
        one = (judge.get("pools") or {}).get(pool)
        if one is None:
            continue
        low, high = ends(one, "score_interval")
        name = str(judge.get("judge"))
        rows.append(
            {
                **{"Asked": experts.get(name, name), "Prompts": one.get("n_prompts"), "Random": number(one, "random")},
                **{"Mean score": number(one, "score"), "95 % interval": between(low, high)},
                **{"Best single": step(one, "best_single"), "Oracle": number(one, "oracle")},
                "Optimal, strict": number(one, "accuracy_strict"),
                "Optimal, with ties": number(one, "accuracy_tolerant"),
                "Named an expert": number(one, "share_valid"),
                **{"Seconds a call": number(judge, "seconds_per_call"), "Split": judge.get("split")},
            }
        )
    return pd.DataFrame(rows)
