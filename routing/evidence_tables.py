"""The README's tables of quality, made from stored evidence and nothing else, so that both always agree."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from routing import predictors
from routing.evidence import Evidence, Rows

WORSE: Final = -0.01  # issue 3: what the default router may lose on left-out prompts
BASELINE: Final = "baseline"


def quality(evidence: Evidence) -> str:
    """The default router with its intervals, then every router on every pool."""
    head = (
        f"Measured {evidence.date} by `python -m routing report` on {evidence.machine}: {evidence.n_prompts:,} prompts "
        f"of the {evidence.split} split. 95 % bootstrap intervals in brackets; p is the paired bootstrap p-value of "
        "the score against the best single expert."
    )
    default = [row for row in evidence.leaderboard if row["router"] == predictors.DEFAULT]
    parts = [head, "", f"The default router (`{predictors.DEFAULT}`):", "", table(default), "", *_every(evidence)]
    return "\n".join(parts)


def table(rows: Rows) -> str:
    """The main measures of an evaluation as a Markdown table."""
    names = ("pool", "router", "prompts", "AIQ above static mix", "cost at 99 %", "score at lambda 0", "best single")
    lines = [f"| {' | '.join((*names, 'p', 'APGR'))} |", "|---" * 9 + "|"]
    for r in rows:
        cost = (r.get("cost_at") or {}).get("99")
        apgr = r.get("apgr")
        lines.append(
            f"| {r['pool']} | {r['router']} | {r['n_prompts']:,} | {figure(r['aiq_above_static_mix'])}"
            f"{span(r.get('aiq_above_static_mix_interval'))} | {figure(cost, 2)} "
            f"| {figure(r['score'])}{span(r.get('score_interval'))} | {figure(r['best_single']['score'])} "
            f"| {figure(r.get('p_value'))} | {figure(apgr)}{span(r.get('apgr_interval'))} |"
        )
    return "\n".join(lines)


def _every(evidence: Evidence) -> list[str]:
    pools = list(dict.fromkeys(row["pool"] for row in evidence.leaderboard))
    found = {(row["pool"], row["router"]): row for row in evidence.leaderboard}
    names = list(dict.fromkeys(row["router"] for row in evidence.leaderboard))
    kinds = {row["router"]: row for row in evidence.leaderboard}
    drawn = [name for name in names if kinds[name]["kind"] == "predictor"]
    across = _grid("AIQ above the static mix", pools, drawn, lambda p, n: figure(found[p, n]["aiq_above_static_mix"]))
    score = _grid("mean score at lambda 0", pools, names, lambda p, n: _marked(found[p, n]))
    return [
        "Every predictor, AIQ above the static mix of single experts:",
        "",
        *across,
        "",
        "Every router, policy and baseline, mean score at lambda 0 (* above or below best single with p < 0.05; "
        "! more than 95 % of the prompts go to one expert):",
        "",
        *score,
    ]


def _grid(title: str, pools: list[str], names: list[str], cell: Callable[[str, str], str]) -> list[str]:
    lines = [f"| {title} | {' | '.join(pools)} |", "|---|" + "---|" * len(pools)]
    return [*lines, *(f"| {name} | {' | '.join(cell(pool, name) for pool in pools)} |" for name in names)]


def _marked(row: Mapping[str, Any]) -> str:
    """A score, starred where it differs from best single, with a mark where the router has collapsed."""
    p, is_told = row.get("p_value"), row["kind"] != BASELINE
    star = "*" if is_told and p is not None and p < 0.05 else ""
    return f"{figure(row['score'])}{star}{'!' if is_told and row.get('is_collapsed') else ''}"


def held_out(evidence: Evidence) -> str:
    """The default router on tasks and sources it was not fitted on, with prompt-blind beside it."""
    shown = (predictors.DEFAULT, predictors.PROMPT_BLIND)
    rows = [row for row in evidence.held_out if row["router"] in shown]
    note = (
        "It holds when the mean score is at most 0.01 below that of the best single expert, found on the same prompts."
    )
    return "\n".join([note, *_about(evidence, "held_out"), "", held_out_table(rows)])


def held_out_table(rows: Rows) -> str:
    """Routers on what was left out, beside the same prompts held in."""
    lines = [
        "| left out | pool | router | prompts | experts known | held in | held out | best single | gain | holds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        holds = "yes" if r["above_best_single"] >= WORSE else "no"
        lines.append(
            f"| {r['protocol']} | {r['pool']} | {r['router']} | {r['n_prompts']:,} "
            f"| {r['n_known']} of {r['n_members']} "
            f"| {figure(r['score_held_in'])} | {figure(r['score'])} | {figure(r['best_single']['score'])} "
            f"| {r['above_best_single']:+.3f}{span(r['above_best_single_interval'])} | {holds} |"
        )
    return "\n".join(lines)


def controls(evidence: Evidence) -> str:
    """Routers fitted on shuffled labels, and the pools on which something was left."""
    pools = list(dict.fromkeys(row["pool"] for row in evidence.leaderboard))
    names = list(evidence.controls)

    def cell(pool: str, name: str) -> str:
        one = evidence.controls[name].get(pool)
        return "" if one is None else f"{one['above_floor']:+.3f}{'' if one['is_clean'] else ' !'}"

    lines = _grid("gain over knowing the source alone", pools, names, cell)
    marks = ["", "! marks a gain whose 95 % interval lies above 0."] if any(" !" in line for line in lines) else []
    return "\n".join([*_about(evidence, "controls"), *marks, "", *lines])


def lengths(evidence: Evidence) -> str:
    """Predicted lengths and reading ease against the expert's mean."""
    lines = [
        "| what | prompts | error | error of the expert's mean | rank correlation | of the mean | used |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, suites in evidence.lengths.items():
        for suite, r in suites.items():
            lines.append(
                f"| {kind} | {suite} | {figure(r['error'], 1)} | {figure(r['error_of_mean'], 1)} "
                f"| {figure(r['rank_correlation'])} | {figure(r['rank_correlation_of_mean'])} | {r['used']} |"
            )
    return "\n".join([*_about(evidence, "lengths"), "", *lines])


def _about(evidence: Evidence, part: str) -> list[str]:
    return [evidence.about[part]] if part in evidence.about else []


TABLES: Final[Mapping[str, Callable[[Evidence], str]]] = MappingProxyType(
    {"quality": quality, "held-out": held_out, "controls": controls, "lengths": lengths}
)
"""Marks of the README and what stands between them."""


def marks(name: str) -> tuple[str, str]:
    """The lines around a table."""
    return f"<!-- {name}:start -->", f"<!-- {name}:end -->"


def between(readme: str, name: str) -> str | None:
    """What stands between the marks of a table; None where there are none."""
    start, end = marks(name)
    _, opened, rest = readme.partition(start)
    inside, closed, _ = rest.partition(end)
    return inside.strip("\n") if opened and closed else None


def replaced(readme: str, name: str, text: str) -> str:
    """The README with another table between its marks; unchanged where it has none."""
    if between(readme, name) is None:
        return readme
    start, end = marks(name)
    before, _, rest = readme.partition(start)
    return f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}"


def rewritten(readme: str, evidence: Evidence) -> str:
    """The README with every table made anew from stored evidence."""
    for name, make in TABLES.items():
        readme = replaced(readme, name, make(evidence))
    return readme


def figure(value: float | None, digits: int = 3) -> str:
    """A number, or nothing where it is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def span(interval: tuple[float, float] | list[float] | None) -> str:
    """An interval in brackets, or nothing."""
    return "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
