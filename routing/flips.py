"""The smallest change of one weight or one limit that makes another expert the pick.

Raising a weight tilts every expert's objective along a straight line, so the experts that can win are the
upper envelope of those lines: walk it from the current weight in both directions. A looser limit lets in
experts that it alone keeps out; a stricter one removes whoever stands above the expert in question.
Every change found is applied with the rule that picks, and kept only if it really flips.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from routing.objective import CONSTRAINTS, MAX_WEIGHT, Candidates, known_or_worst
from routing.schema import Floats, Preferences

# How far past the exact crossing a change goes, as a share of the change: beyond rounding, below notice.
NUDGE = 1e-6
Chooser = Callable[[Candidates, Preferences], int | None]


@dataclass(frozen=True, slots=True)
class Flip:
    """One change of one setting after which ``expert`` is the pick.

    ``before`` is None where no limit was set. ``size`` makes changes of different settings comparable: of a weight,
    the change itself; of a limit, the change as a share of the constraint's range; of a new limit, the share of
    the feasible experts that it shuts out.
    """

    expert: str
    kind: Literal["weight", "limit"]
    constraint: str
    before: float | None
    after: float
    size: float

    def applied(self, preferences: Preferences) -> Preferences:
        """The preferences after the change."""
        if self.kind == "weight":
            return replace(preferences, weights={**preferences.weights, self.constraint: self.after})
        return replace(preferences, limits={**preferences.limits, self.constraint: self.after})


def find_flips(
    options: Candidates, preferences: Preferences, ranking: NDArray[np.int64], objective: Floats, choose: Chooser
) -> Mapping[str, Flip]:
    """The smallest verified flip for every expert that has one.

    Args:
        options: The experts and their values.
        preferences: The current weights and limits.
        ranking: Positions of the feasible experts, best first.
        objective: Current objective, shape (n_experts,).
        choose: The rule that picks, with which every change is verified.
    """

    def flips(change: Flip) -> bool:
        chosen = choose(options, change.applied(preferences))
        return chosen is not None and options.experts[chosen] == change.expert

    best: dict[str, Flip] = {}
    for name in CONSTRAINTS:
        changes = [*_by_limit(options, preferences, ranking, objective, name)]
        if ranking.size:
            changes += _by_weight(options, preferences, ranking, objective, name)
        for exact in changes:
            known = best.get(exact.expert)
            if known is not None and known.size <= exact.size:
                continue

            if flips(exact):
                flip = _readable(exact, flips)
                flip = replace(flip, size=_size(options, ranking, flip))
                if known is None or flip.size < known.size:
                    best[flip.expert] = flip
    return best


def _readable(exact: Flip, flips: Callable[[Flip], bool]) -> Flip:
    """The change with as few digits as still flip, at most one percent larger than the exact one.

    Where the very first step flips there is no smallest change, and the one with the fewest digits is taken.
    """
    is_floor = exact.kind == "limit" and CONSTRAINTS[exact.constraint].is_floor
    up = is_floor if exact.before is None else exact.after > exact.before
    change = np.inf if exact.before is None else abs(exact.after - exact.before)
    is_at_once = exact.before is None or change <= 1e-5 * max(abs(exact.before), 1e-3)
    for digits in range(2, 12):
        after = _rounded(exact.after, digits, up=up)
        is_close = is_at_once or abs(after - (exact.before or 0.0)) <= 1.005 * change
        is_allowed = after >= 0 and (exact.kind == "limit" or after <= MAX_WEIGHT)
        if is_close and is_allowed and flips(rounded := replace(exact, after=after)):
            return rounded
    return exact


def _rounded(value: float, digits: int, *, up: bool) -> float:
    """A number with this many significant digits, not below (or not above) the value."""
    exact = Decimal(repr(value))
    if exact == 0:
        return 0.0
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return float((exact / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step)


def _size(options: Candidates, ranking: NDArray[np.int64], flip: Flip) -> float:
    if flip.kind == "weight":
        return abs(flip.after - (flip.before or 0.0))
    values = options.values[flip.constraint]
    if flip.before is None:
        # A new limit has no "before" to measure from: it weighs by the share of the feasible experts it shuts out.
        kept = values[ranking] >= flip.after if CONSTRAINTS[flip.constraint].is_floor else values[ranking] <= flip.after
        return float((~kept).mean())
    known = values[np.isfinite(values)]
    return abs(flip.after - flip.before) / (float(np.ptp(known)) or 1.0)


def _by_weight(
    options: Candidates, preferences: Preferences, ranking: NDArray[np.int64], objective: Floats, name: str
) -> Iterator[Flip]:
    weight = preferences.weights.get(name, 0.0)
    slope = known_or_worst(options.penalties[name])[ranking]
    height = objective[ranking] + weight * slope
    for direction in (1, -1):
        for position, start, end in _envelope(slope, height, weight, direction):
            step = max(1e-9, NUDGE * abs(start - weight))
            after = start + direction * min(step, abs(end - start) / 2)
            if 0 <= after <= MAX_WEIGHT:
                expert = options.experts[ranking[position]]
                yield Flip(expert, "weight", name, weight, float(after), float(abs(after - weight)))


def _envelope(slope: Floats, height: Floats, weight: float, direction: int) -> Iterator[tuple[int, float, float]]:
    """Who wins after the pick as a weight moves, with the stretch of weights on which it wins.

    Args:
        slope: Penalty of each feasible expert, the pick first, shape (n,).
        height: Objective at weight 0, shape (n,).
        weight: Where the walk begins.
        direction: 1 to raise the weight, -1 to lower it.

    Yields:
        Position, the weight at which it takes over, and the one at which it loses again.
    """
    last = MAX_WEIGHT if direction > 0 else 0.0
    current, at = 0, weight
    found: tuple[int, float] | None = None
    while True:
        rivals = np.flatnonzero(direction * (slope[current] - slope) > 0)
        if rivals.size == 0:
            break
        crossing = (height[current] - height[rivals]) / (slope[current] - slope[rivals])
        crossing = direction * np.maximum(direction * crossing, direction * at)
        nearest = crossing.min() if direction > 0 else crossing.max()
        if direction * (nearest - last) > 0:
            break
        # Of several that cross at once, the one that falls least goes on winning.
        tied = rivals[crossing == nearest]
        following = int(tied[np.argmin(direction * slope[tied])])
        if found is not None:
            yield found[0], found[1], float(nearest)
        found, current, at = (following, float(nearest)), following, float(nearest)
    if found is not None:
        yield found[0], found[1], last


def _by_limit(
    options: Candidates, preferences: Preferences, ranking: NDArray[np.int64], objective: Floats, name: str
) -> Iterator[Flip]:
    sign = -1.0 if CONSTRAINTS[name].is_floor else 1.0
    values = sign * options.values[name]
    known = values[np.isfinite(values)]
    if known.size == 0:
        return
    limit = preferences.limits.get(name)

    def flip(position: int, after: float) -> Flip:
        change = Flip(options.experts[position], "limit", name, limit, sign * after, 0.0)
        return replace(change, size=_size(options, ranking, change))

    if limit is not None:
        for position in _let_in(options, preferences, ranking, objective, name, values):
            yield flip(position, float(values[position]))
    yield from (flip(p, after) for p, after in _left_over(values, ranking, -np.inf if sign < 0 else 0.0))


def _let_in(
    options: Candidates,
    preferences: Preferences,
    ranking: NDArray[np.int64],
    objective: Floats,
    name: str,
    values: Floats,
) -> Iterator[int]:
    """Experts that this limit alone keeps out and that would win on being let in, nearest first."""
    others = {n: v for n, v in preferences.limits.items() if n != name}
    alone = np.isfinite(options.score) & (options.overflow == 0) & np.isfinite(values)
    for other, bound in others.items():
        theirs = options.values[other]
        alone &= theirs >= bound if CONSTRAINTS[other].is_floor else theirs <= bound
    alone[ranking] = False
    outside = np.flatnonzero(alone)
    outside = outside[np.lexsort((-objective[outside], values[outside]))]
    bar = objective[ranking[0]] if ranking.size else -np.inf
    best_before = np.maximum.accumulate(np.concatenate(([bar], objective[outside])))[:-1]
    yield from (int(p) for p in outside[objective[outside] >= best_before])


def _left_over(values: Floats, ranking: NDArray[np.int64], least: float) -> Iterator[tuple[int, float]]:
    """Experts that win when a stricter limit removes all above them, with the loosest limit that does so.

    An expert whose value is unknown is removed by any limit, so it never bars the way.
    """
    theirs = values[ranking]
    bars = np.minimum.accumulate(np.concatenate(([np.inf], np.nan_to_num(theirs, nan=np.inf))))[:-1]
    for place in np.flatnonzero(theirs < bars):
        value, bar = float(theirs[place]), float(bars[place])
        if np.isfinite(bar):
            after = max(value, bar - max(1e-9 * abs(bar), NUDGE * (bar - value)))
        elif place > 0:
            after = float(np.nanmax(values))  # whoever is better has an unknown value, which no limit lets pass
        else:
            continue
        if after >= least:
            yield int(ranking[place]), after
