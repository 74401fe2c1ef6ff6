"""What changed between two policy files, and what that does to picks on held-out prompts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np

from routing.decision import choose
from routing.objective import CONSTRAINTS, candidates
from routing.policy_file import PolicyFile, as_dict
from routing.policy_file.use import SHORT, Ruling
from routing.predictors import DEFAULT
from routing.sample import Sample
from routing.schema import Floats

UNKNOWN_EFFECT: Final = "that takes two policy files made for one graph, both by its default method."


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs.

    Args:
        setting: Which one: "cost weight", "expert gpt-4o-mini", "router".
        before: Its text in the first policy file; empty where it was not set.
        after: Its text in the second.
    """

    setting: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """The same as one line."""
        if not self.before:
            return f"{self.setting}: added, {self.after}"
        if not self.after:
            return f"{self.setting}: removed, was {self.before}"
        return f"{self.setting}: {self.before} to {self.after}"


def changes(before: PolicyFile, after: PolicyFile) -> tuple[Change, ...]:
    """Every setting that differs, in the order of the file; the day it was made is none."""
    a, b = as_dict(before), as_dict(after)
    found = [Change("name", before.name, after.name), Change("router", before.router, after.router)]
    for key in ("graph_sha256", "methods_sha256"):
        found.append(Change(key.replace("_sha256", " SHA-256"), _short(a["router"][key]), _short(b["router"][key])))
    found += _pool(before.pool, after.pool)
    for name in sorted({*a["own_experts"], *b["own_experts"]}):
        found += _own(name, a["own_experts"].get(name), b["own_experts"].get(name))
    for kind in ("weights", "limits"):
        for name in CONSTRAINTS:
            unit = f" ({CONSTRAINTS[name].unit})" if kind == "limits" else ""
            found.append(Change(f"{name} {kind[:-1]}{unit}", _number(a[kind].get(name)), _number(b[kind].get(name))))
    found.append(Change("flags", _listed(a["flags"]), _listed(b["flags"])))
    found.append(Change("fallbacks", _listed(a["fallbacks"]), _listed(b["fallbacks"])))
    found.append(Change("note", before.note, after.note))
    found.append(Change("accepted on other graphs", str(len(before.rebound)), str(len(after.rebound))))
    return tuple(c for c in found if c.before != c.after)


def _short(value: str | None) -> str:
    return "" if value is None else value[:SHORT]


def _number(value: float | None) -> str:
    return "" if value is None else np.format_float_positional(value, trim="-")


def _listed(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def _pool(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> list[Change]:
    if before is None or after is None:
        told = ["every expert" if pool is None else f"{len(pool):,} experts" for pool in (before, after)]
        return [Change("pool", *told)]
    gone = [Change(f"expert {name}", "in the pool", "") for name in sorted(set(before) - set(after))]
    return gone + [Change(f"expert {name}", "", "in the pool") for name in sorted(set(after) - set(before))]


def _own(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    if before is None or after is None:
        told = ["" if own is None else "facts stated" for own in (before, after)]
        return [Change(f"own facts of {name}", *told)]
    found = []
    for fact in sorted({*before["facts"], *after["facts"]}):
        old, new = (own["facts"].get(fact, {}) for own in (before, after))
        found.append(Change(f"{name}: {fact}", _fact(old), _fact(new)))
    found.append(Change(f"{name}: skill", *(_skill(own["skill"]) for own in (before, after))))
    return found


def _skill(skill: Mapping[str, Any] | None) -> str:
    """What a skill rests on, and the beginning of its SHA-256, since two may rest on as much."""
    if skill is None:
        return ""
    digits = sha256(json.dumps(skill, sort_keys=True).encode()).hexdigest()[:SHORT]
    return f"{skill.get('n_probes', 0)} probes, {skill.get('n_figures', 0)} figures ({digits})"


def _fact(fact: Mapping[str, Any]) -> str:
    return f"{fact['value']} ({fact['source']}, {fact['day']})" if fact else ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What two policy files come to on the same held-out prompts, all of it predicted.

    Args:
        n_prompts: How many.
        share_changed: Share of prompts with another pick.
        score: Mean predicted score of the picks, before and after; NaN where nothing is picked.
        cost_usd: Mean predicted cost of the picks whose cost is known, before and after.
        share_unanswered: Share of prompts without any feasible expert, before and after.
        moved: How many prompts went from which pick to which, most first.
    """

    n_prompts: int
    share_changed: float
    score: tuple[float, float]
    cost_usd: tuple[float, float]
    share_unanswered: tuple[float, float]
    moved: tuple[tuple[str | None, str | None, int], ...]


@dataclass(frozen=True, slots=True)
class _Picks:
    names: list[str | None]
    score: Floats
    cost_usd: Floats


def effect(before: Ruling, after: Ruling, sample: Sample) -> Effect | None:
    """Picks on held-out prompts under both; flags are none there, and own experts have no predictions there.

    Returns:
        None where one of the routers is not the default, whose predictions the sample holds, or where the two were made
        for different graphs: then one of them would pick otherwise than here.
    """
    is_same = before.policy.graph_sha256 == after.policy.graph_sha256
    if not is_same or before.router.name != DEFAULT or after.router.name != DEFAULT:
        return None
    a, b = _picks(before, sample), _picks(after, sample)
    pairs = [(x, y) for x, y in zip(a.names, b.names, strict=True) if x != y]
    moved = {pair: pairs.count(pair) for pair in set(pairs)}
    ranked = sorted(moved.items(), key=lambda item: (-item[1], str(item[0])))
    n = len(a.names)
    return Effect(
        n_prompts=n,
        share_changed=len(pairs) / n,
        score=(_mean(a.score), _mean(b.score)),
        cost_usd=(_mean(a.cost_usd), _mean(b.cost_usd)),
        share_unanswered=(a.names.count(None) / n, b.names.count(None) / n),
        moved=tuple((old, new, count) for (old, new), count in ranked),
    )


def _picks(ruling: Ruling, sample: Sample) -> _Picks:
    wanted = ruling.preferences
    pool = ruling.router.catalog if wanted.pool is None else ruling.router.catalog.subset(wanted.pool)
    prediction, scale = sample.prediction.of(pool.names), ruling.router.scale(wanted.pool)
    names: list[str | None] = []
    score, cost = np.full(len(sample.input_tokens), np.nan), np.full(len(sample.input_tokens), np.nan)
    for row, tokens in enumerate(sample.input_tokens):
        options = candidates(pool, prediction, float(tokens), scale, row=row)
        pick = choose(options, wanted)
        names.append(None if pick is None else options.experts[pick])
        if pick is not None:
            score[row], cost[row] = options.score[pick], options.values["cost"][pick]
    return _Picks(names, score, cost)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
