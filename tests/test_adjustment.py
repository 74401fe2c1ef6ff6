"""Learning from votes: only what helps on unseen runs, only on a click, and back again."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.adjustment import propose
from routing.errors import StoreError
from routing.insights import LONG_TOKENS, errors, paces, tokens_per_second
from routing.registry import load_router
from routing.router import adjusted
from routing.schema import FEWEST_ANSWERS, OWN_ADDRESS, Pace, Prediction, Preferences
from routing.store import KeptAnswer, KeptRun, Vote, open_store
from tests.test_store import RUN, answer

PREDICTED = {"a": {"score": 0.5, "latency_s": 1.0, "cost_usd": 0.002}, "b": {"score": 0.5, "latency_s": None}}


def run(i, *, winner=None, verdict="win", passed=None):
    votes = () if winner is None and verdict == "win" else (Vote("person", verdict, winner, ("a", "b"), is_blind=True),)
    kept = [
        KeptAnswer(
            i, f"run-{i}", 0, datetime.now(UTC), answer(name), None, 50.0, None if ok is None else ("exact", "x", ok)
        )
        for name, ok in (passed or {"a": None, "b": None}).items()
    ]
    asked = replace(RUN, predicted=PREDICTED)
    return KeptRun(f"run-{i}", datetime.now(UTC), asked, tuple(kept), votes, is_finished=True)


def test_an_expert_that_keeps_winning_is_raised_and_the_other_lowered():
    found = propose([run(i, winner="a") for i in range(60)])
    assert found.shifts["a"] > 0.3
    assert found.shifts["b"] < -0.3
    assert found.is_better
    assert found.loss_after < found.loss_before == pytest.approx(np.log(2))


def test_checks_count_as_successes_and_failures():
    found = propose([run(i, passed={"a": False, "b": True}) for i in range(60)])
    assert found.shifts["a"] < 0 < found.shifts["b"]


def test_noise_is_not_better():
    rng = np.random.default_rng(3)
    found = propose([run(i, winner=str(rng.choice(["a", "b"]))) for i in range(200)])
    assert abs(found.shifts["a"]) < 0.4
    assert found.loss_after == pytest.approx(found.loss_before, abs=0.03)


def test_a_few_votes_are_not_enough():
    found = propose([run(i, winner="a") for i in range(6)])
    assert not found.is_better
    assert propose([]).n_used == 0


def test_ties_and_both_bad_do_not_move_equals():
    ties = propose([run(i, verdict="tie") for i in range(40)])
    assert ties.shifts["a"] == pytest.approx(0.0, abs=1e-6)
    assert propose([run(i, verdict="both bad") for i in range(40)]).n_used == 0


def test_shifts_move_scores_and_intervals_and_leave_the_rest():
    one = np.array([[0.5, 0.5]])
    before = Prediction(("a", "b"), one, one - 0.1, one + 0.1, one * 100, one * 50, one)
    after = adjusted(before, {"a": 1.0})
    assert after.score[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert after.score_low[0, 0] < after.score[0, 0] < after.score_high[0, 0]
    assert after.score[0, 1] == 0.5
    np.testing.assert_array_equal(after.output_tokens, before.output_tokens)
    assert adjusted(before, {}) is before


def test_applying_and_going_back(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 't.db'}")
    good = propose([run(i, winner="a") for i in range(60)])
    other = propose([run(i, winner="b") for i in range(60)])
    assert store.adjustments.shifts("") == {}
    store.adjustments.apply(good, "")
    store.adjustments.apply(other, "")
    assert store.adjustments.shifts("") == dict(other.shifts)
    assert store.adjustments.shifts("ada") == {}
    store.adjustments.undo("")
    assert store.adjustments.shifts("") == dict(good.shifts)
    store.adjustments.undo("")
    assert store.adjustments.shifts("") == {}
    store.adjustments.apply(other, "")
    store.adjustments.undo("")
    assert store.adjustments.shifts("") == {}, "what was taken back stays so"
    store.close()


def test_a_proposal_is_judged_against_what_is_in_force():
    runs = [run(i, winner="a") for i in range(60)]
    first = propose(runs)
    again = propose(runs, first.shifts)
    assert again.loss_before == again.loss_after == first.loss_after
    assert not again.is_better


def test_what_is_not_better_is_refused(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 't.db'}")
    with pytest.raises(StoreError, match=r"The proposal is not applied: .*Vote or check more"):
        store.adjustments.apply(replace(propose([run(i, winner="a") for i in range(60)]), loss_after=9.0), "")
    assert store.adjustments.shifts("") == {}
    store.close()


def test_paces_are_medians_over_complete_answers():
    found = paces([run(i) for i in range(5)])["a"]
    assert found.n == 5
    assert found.first_token_s == pytest.approx(0.2)
    assert found.latency_s == pytest.approx(1.5)
    assert found.tokens_per_s is None, "three tokens are too few"
    assert found.latency_of(3) == pytest.approx(1.5)
    assert found.latency_of(100) is None, "short answers say nothing about long ones"


def timed(n: int, tokens: int, seconds: float = 3.0) -> Pace:
    """The pace after n answers of that length."""
    kept = run(1).answers[0]
    measured = replace(kept.answer, output_tokens=tokens, latency_s=seconds, time_to_first_token_s=1.0)
    return paces([replace(run(1), answers=(replace(kept, answer=measured),) * n)])["a"]


@given(st.integers(1, 12), st.integers(1, 4000), st.floats(1.5, 90), st.floats(1, 8000))
def test_few_or_short_answers_never_take_the_place_of_a_prediction(n, tokens, seconds, expected):
    found = timed(n, tokens, seconds).latency_of(expected)
    if n < FEWEST_ANSWERS or (tokens < LONG_TOKENS and expected > tokens):
        assert found is None
    elif tokens >= LONG_TOKENS:
        assert found == pytest.approx(1.0 + expected * (seconds - 1.0) / (tokens - 1))
    else:
        assert found == pytest.approx(seconds)


def test_a_decision_keeps_its_prediction_until_enough_was_measured():
    router = load_router()
    reading = router.read("Why is the sky blue?")
    name = "gpt-4o-mini"

    def latency(*found: Pace) -> float:
        known = dict.fromkeys([name] * len(found), *found)
        options = router.decide(reading, Preferences(), paces=known).decision.options
        return float(options.values["latency"][options.index(name)])

    assert latency(timed(1, 12, 24.0)) == latency(timed(4, 900)) == latency(timed(50, 12, 24.0)) == latency()
    assert latency(timed(5, 900, 301.0)) != latency()


def test_paces_at_an_own_address_and_at_the_provider_are_kept_apart():
    at_provider, elsewhere = run(1), run(2)
    moved = [replace(k, answer=replace(k.answer, cost_source=OWN_ADDRESS, latency_s=9.0)) for k in elsewhere.answers]
    both = [at_provider, replace(elsewhere, answers=tuple(moved))]
    assert {n: p.latency_s for n, p in paces(both, {"b"}).items()} == {"a": 1.5, "b": 9.0}
    assert paces(both)["b"].n == 1


def test_tokens_per_second_leaves_the_first_token_out():
    assert tokens_per_second(replace(answer(), output_tokens=27)) == pytest.approx(26 / 1.3)
    assert tokens_per_second(replace(answer(), time_to_first_token_s=None)) is None


def test_errors_compare_what_was_predicted_with_what_was_measured():
    found = {e.quantity: e for e in errors([run(i, winner="a") for i in range(4)])}
    assert found["latency_s"].n == 4, "b has no predicted latency"
    assert found["latency_s"].mean_absolute == pytest.approx(0.5)
    assert found["latency_s"].median_ratio == pytest.approx(1.5)
    assert found["score"].mean_measured == pytest.approx(0.5)
    assert found["cost_usd"].median_ratio == pytest.approx(0.5)
