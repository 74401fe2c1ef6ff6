"""A decision as JSON for programs and as text for people; the JSON's keys are stable and documented in the README."""

import math
from collections.abc import Mapping
from typing import Any

from routing.catalog import Catalog
from routing.flips import Flip
from routing.objective import CONSTRAINTS
from routing.router import Routed

SHOWN = 15
SAY_LITTLE = "So the predictions say little; a safe choice is the expert that is best overall."


def number(value: float) -> float | None:
    """A number for JSON; None where it is unknown."""
    return None if math.isnan(value) else float(value)


def decision_json(routed: Routed) -> dict[str, Any]:
    """Everything about a decision, in names and numbers; unknown is null.

    Returns:
        Keys router, prompt, input_tokens, familiarity, is_familiar, unfamiliar_because, flags, warnings, weights,
        limits, pick, order, front, experts (one object per expert with score, interval, objective, values per
        constraint, state and reason), flips, smallest_flip, read_ms and decide_ms.
    """
    decision, reading = routed.decision, routed.reading
    smallest = decision.smallest_flip
    return {
        "router": routed.router,
        "prompt": reading.prompt,
        "input_tokens": reading.input_tokens,
        "familiarity": round(reading.familiarity, 4),
        "is_familiar": reading.is_familiar,
        "unfamiliar_because": reading.unfamiliar_because or None,
        "flags": [f.text for f in reading.flags],
        "warnings": list(reading.warnings),
        "weights": dict(decision.preferences.weights),
        "limits": dict(decision.preferences.limits),
        "pick": decision.pick,
        "order": list(decision.order),
        "front": [n for n, on in zip(decision.options.experts, decision.on_front, strict=True) if on],
        "front_axes": ["score", *decision.axes],
        "experts": {name: _expert_json(routed, name) for name in decision.options.experts},
        "flips": {name: _flip_json(flip) for name, flip in decision.flips.items()},
        "smallest_flip": None if smallest is None else _flip_json(smallest),
        "read_ms": round(reading.read_ms, 3),
        "decide_ms": round(routed.decide_ms, 3),
    }


def _expert_json(routed: Routed, name: str) -> dict[str, Any]:
    decision = routed.decision
    options, i = decision.options, decision.options.index(name)
    reason = decision.reason(name)
    return {
        "score": number(options.score[i]),
        "score_low": number(options.score_low[i]),
        "score_high": number(options.score_high[i]),
        "objective": number(decision.objective[i]),
        "cost_usd": number(options.values["cost"][i]),
        "is_length_assumed": bool(options.is_length_assumed[i]),
        "values": {c: number(options.values[c][i]) for c in CONSTRAINTS},
        "is_feasible": bool(decision.is_feasible[i]),
        "on_front": bool(decision.on_front[i]),
        "reason": {
            "kind": reason.kind,
            "constraint": reason.constraint,
            "by": number(reason.by),
            "text": reason.text,
        },
    }


def _flip_json(flip: Flip) -> dict[str, Any]:
    return {
        "expert": flip.expert,
        "kind": flip.kind,
        "constraint": flip.constraint,
        "before": flip.before,
        "after": flip.after,
        "size": round(flip.size, 9),
    }


def decision_text(routed: Routed, catalog: Catalog) -> str:
    """The decision as a few lines and a table of the best experts."""
    decision = routed.decision
    reading = routed.reading
    lines = [f"Note: {warning}" for warning in reading.warnings]
    if not reading.is_familiar:
        lines.append(f"Note: {reading.unfamiliar_because} {SAY_LITTLE}")
    if decision.pick is None:
        lines.append("No expert keeps every limit. Loosen a limit; the reasons are below.")
    else:
        lines.append(f"Ask {catalog[decision.pick].title} ({decision.pick}). {decision.reason(decision.pick).text}")
    if (flip := decision.smallest_flip) is not None:
        before = "no limit" if flip.before is None else f"{flip.before:.4g}"
        lines.append(
            f"What would flip it: {flip.constraint} {flip.kind} from {before} to {flip.after:.4g} picks {flip.expert}."
        )
    lines.append("")
    lines.append(f"{'expert':32} {'score':>6} {'objective':>9} {'cost $':>10} {'front':>5}  why")
    rest = [n for n in decision.options.experts if n not in decision.order]
    everyone = [*decision.order, *rest]
    lines += [_row(routed, name) for name in everyone[:SHOWN]]
    if len(everyone) > SHOWN:
        lines.append(f"and {len(everyone) - SHOWN} more; --json lists all of them.")
    return "\n".join(lines)


def _row(routed: Routed, name: str) -> str:
    decision = routed.decision
    i = decision.options.index(name)
    values: Mapping[str, float] = {
        "score": decision.options.score[i],
        "objective": decision.objective[i],
        "cost": decision.options.values["cost"][i],
    }
    score, value, cost = ("?" if math.isnan(v) else f"{v:.3g}" for v in values.values())
    front = "yes" if decision.on_front[i] else ""
    return f"{name:32} {score:>6} {value:>9} {cost:>10} {front:>5}  {decision.reason(name).text}"
