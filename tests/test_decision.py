"""The front, the pick, the reasons and the flips, as laws over small integer grids (exact arithmetic, many ties)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.decision import choose, decide
from routing.errors import PreferenceError
from routing.objective import CONSTRAINTS, Candidates
from routing.pareto import pareto_mask
from routing.schema import Preferences

GRID = st.integers(0, 4)
UNKNOWN = st.one_of(GRID, GRID, GRID, st.none())


def to_array(numbers):
    return np.array([np.nan if n is None else n / 4 for n in numbers], dtype=float)


@st.composite
def offers(draw, *, max_experts=6):
    n = draw(st.integers(1, max_experts))
    column = st.lists(UNKNOWN, min_size=n, max_size=n)
    values = {name: to_array(draw(column)) for name in CONSTRAINTS}
    penalties = {name: (1 - v if CONSTRAINTS[name].is_floor else v) for name, v in values.items()}
    score = to_array(draw(column))
    names = tuple(f"expert-{i}" for i in range(n))
    overflow = np.array(draw(st.lists(st.sampled_from([0, 0, 0, 5]), min_size=n, max_size=n)), dtype=float)
    return Candidates(
        names, score, score - 0.1, score + 0.1, values, penalties, overflow > 9, overflow, np.arange(n, dtype=float)
    )


@st.composite
def wishes(draw):
    weights = draw(
        st.dictionaries(st.sampled_from(list(CONSTRAINTS)), st.integers(0, 8).map(lambda n: n / 4), max_size=3)
    )
    limits = draw(st.dictionaries(st.sampled_from(list(CONSTRAINTS)), GRID.map(lambda n: n / 4), max_size=2))
    return Preferences(weights, limits)


def permuted(options, order):
    def take(a):
        return a[order]

    return Candidates(
        tuple(options.experts[i] for i in order),
        *(take(a) for a in (options.score, options.score_low, options.score_high)),
        {k: take(v) for k, v in options.values.items()},
        {k: take(v) for k, v in options.penalties.items()},
        take(options.is_length_assumed),
        take(options.overflow),
        take(options.name_rank),
    )


@given(st.integers(1, 4), st.data())
def test_the_front_is_what_no_other_beats(n_axes, data):
    n = data.draw(st.integers(1, 9))
    axes = [to_array(data.draw(st.lists(UNKNOWN, min_size=n, max_size=n))) for _ in range(n_axes)]
    points = np.stack(axes, axis=1)
    known = np.isfinite(points).all(axis=1)
    expected = [
        bool(known[i])
        and not any(known[j] and (points[j] <= points[i]).all() and (points[j] < points[i]).any() for j in range(n))
        for i in range(n)
    ]
    assert pareto_mask(axes).tolist() == expected


def test_a_front_without_axes_is_refused():
    with pytest.raises(ValueError, match="at least one axis"):
        pareto_mask([])


@given(offers(), wishes())
def test_the_pick_is_feasible_and_best_by_brute_force(options, wish):
    decision = decide(options, wish)
    for i, name in enumerate(options.experts):
        kept = np.isfinite(options.score[i]) and options.overflow[i] == 0
        for constraint, limit in wish.limits.items():
            value = options.values[constraint][i]
            kept = kept and (value >= limit if CONSTRAINTS[constraint].is_floor else value <= limit)
        assert decision.is_feasible[i] == kept, name
    if decision.pick is None:
        assert not decision.is_feasible.any()
    else:
        best = decision.objective[decision.is_feasible].max()
        assert decision.objective[options.index(decision.pick)] == best
        assert choose(options, wish) == options.index(decision.pick)
        assert len(decision.order) == decision.is_feasible.sum()
    assert not (decision.on_front & ~decision.is_feasible).any()


@given(offers(), wishes(), st.randoms(use_true_random=False))
def test_the_order_of_experts_never_matters(options, wish, random):
    order = list(range(len(options.experts)))
    random.shuffle(order)
    before, after = decide(options, wish), decide(permuted(options, order), wish)
    assert before.order == after.order
    assert before.on_front[order].tolist() == after.on_front.tolist()
    assert {f.expert: f.size for f in before.flips.values()} == {f.expert: f.size for f in after.flips.values()}


@given(offers(), st.sampled_from(list(CONSTRAINTS)), st.integers(0, 8), st.integers(0, 8))
def test_a_raised_weight_never_picks_a_worse_penalty(options, name, one, other):
    low, high = sorted((one / 4, other / 4))
    picks = [choose(options, Preferences({name: w})) for w in (low, high)]
    if None not in picks:
        at = np.nan_to_num(options.penalties[name], nan=1.0)
        assert at[picks[1]] <= at[picks[0]]


def flips_at_once(options, wish, flip):
    """Whether the very first step of a change flips, so that there is no smallest change."""
    after = flip.before + 1e-5 * (flip.after - flip.before)
    return decide(options, replace(flip, after=after).applied(wish)).pick == flip.expert


@settings(max_examples=400)
@given(offers(), wishes())
def test_a_stated_flip_flips_and_one_percent_less_does_not(options, wish):
    decision = decide(options, wish)
    for flip in decision.flips.values():
        assert flip.expert != decision.pick
        assert decide(options, flip.applied(wish)).pick == flip.expert
        if flip.before is not None and not flips_at_once(options, wish, flip):
            less = flip.before + 0.99 * (flip.after - flip.before)
            assert decide(options, replace(flip, after=less).applied(wish)).pick != flip.expert


@settings(max_examples=200)
@given(offers(), wishes())
def test_the_number_that_is_shown_is_the_number_that_flips(options, wish):
    for flip in decide(options, wish).flips.values():
        shown = float(np.format_float_positional(flip.after, trim="-"))
        assert decide(options, replace(flip, after=shown).applied(wish)).pick == flip.expert


@given(offers(), st.integers(0, 8))
def test_no_weight_flip_is_missed(options, start):
    """Trying weights on a fine grid never finds a pick that the stated flips do not know."""
    wish = Preferences({"cost": start / 4})
    decision = decide(options, wish)
    for weight in np.linspace(0.013, 9.987, 80):
        pick = decide(options, Preferences({"cost": float(weight)})).pick
        if pick is not None and pick != decision.pick:
            assert pick in decision.flips
            flip = decision.flips[pick]
            is_small = flip.size <= 1.01 * abs(weight - start / 4) + 1e-6
            assert is_small or flips_at_once(options, wish, flip)


@given(offers(), wishes())
def test_every_expert_has_a_reason(options, wish):
    decision = decide(options, wish)
    for i, name in enumerate(options.experts):
        reason = decision.reason(name)
        assert reason.text.endswith(".")
        assert (reason.kind == "picked") == (name == decision.pick)
        assert (reason.kind in {"picked", "objective"}) == bool(decision.is_feasible[i])


@given(offers())
def test_unknown_is_never_an_advantage(options):
    decision = decide(options, Preferences({"cost": 1.0}, {"cost": 4.0}))
    unknown = np.isnan(options.values["cost"])
    assert not decision.is_feasible[unknown].any()


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Preferences({"costs": 1.0}), "No constraint is called 'costs'. Did you mean 'cost'?"),
        (Preferences({"cost": -1.0}), "The weight of cost is -1; allowed is 0"),
        (Preferences({"cost": float("nan")}), "The weight of cost is nan"),
        (Preferences({}, {"speed": 1.0}), "No constraint is called 'speed'"),
        (Preferences({}, {"cost": float("nan")}), "The limit of cost is nan"),
    ],
)
def test_impossible_preferences_are_refused(wish, sentence):
    one = np.array([0.5])
    options = Candidates(
        ("a",), one, one, one, dict.fromkeys(CONSTRAINTS, one), dict.fromkeys(CONSTRAINTS, one), one > 1, one * 0, one
    )
    with pytest.raises(PreferenceError, match=sentence.replace("?", r"\?")):
        decide(options, wish)
