"""Bradley-Terry strengths: order, intervals, and what a few votes cannot say."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.store.records import KeptRun, Vote
from routing.strengths import AVERAGE, by_domain, strengths
from tests.test_store import RUN


def vote(winner, *experts, verdict="win"):
    return Vote("person", verdict, winner if verdict == "win" else None, experts, is_blind=True)


def by_name(votes):
    return {s.expert: s for s in strengths(votes)}


def test_who_wins_more_is_stronger():
    votes = [vote("a", "a", "b")] * 8 + [vote("b", "a", "b")] * 2
    found = strengths(votes)
    assert [s.expert for s in found] == ["a", "b"]
    assert found[0].wins == 8
    assert found[0].n_votes == 10


def test_many_votes_give_the_known_odds():
    votes = [vote("a", "a", "b")] * 7500 + [vote("b", "a", "b")] * 2500
    found = by_name(votes)
    assert found["a"].strength - found["b"].strength == pytest.approx(400 * np.log10(3), abs=2)


def test_one_vote_says_little():
    found = by_name([vote("a", "a", "b")])
    assert found["a"].strength > found["b"].strength
    assert found["a"].low < found["b"].high


def test_intervals_shrink_with_votes():
    few, many = ([vote("a", "a", "b"), vote("b", "a", "b")] * n for n in (2, 50))
    width = [by_name(v)["a"].high - by_name(v)["a"].low for v in (few, many)]
    assert width[1] < width[0] / 3


def test_ties_pull_together_and_both_bad_says_nothing_about_who_is_better():
    tied = by_name([vote(None, "a", "b", verdict="tie")] * 5)
    assert tied["a"].strength == pytest.approx(tied["b"].strength)
    assert tied["a"].wins == 2.5
    bad = by_name([vote("a", "a", "b"), *[vote(None, "a", "b", verdict="both bad")] * 9])
    assert bad["a"].strength == pytest.approx(by_name([vote("a", "a", "b")])["a"].strength)
    assert bad["a"].n_votes == 10


def test_a_winner_beats_every_other_of_its_run():
    found = strengths([vote("a", "a", "b", "c")] * 6)
    assert found[0].expert == "a"
    assert found[1].strength == pytest.approx(found[2].strength)


def test_no_votes_no_strengths():
    assert strengths([]) == []
    assert by_domain([]) == {}


def test_a_domain_that_a_person_calls_all_counts_its_votes_once():
    run = KeptRun("1", datetime.now(UTC), replace(RUN, domain="all"), (), (vote("a", "a", "b"),), is_finished=True)
    assert [s.n_votes for s in by_domain([run])["all"]] == [1, 1]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")).filter(lambda p: p[0] != p[1]), max_size=30)
)
def test_strengths_are_finite_centred_and_ignore_the_order_of_votes(pairs):
    votes = [vote(a, a, b) for a, b in pairs]
    found = by_name(votes)
    if found:
        assert all(np.isfinite([s.strength, s.low, s.high]).all() for s in found.values())
        assert np.mean([s.strength for s in found.values()]) == pytest.approx(AVERAGE)
    turned = by_name(votes[::-1])
    for name, one in found.items():
        assert turned[name].strength == pytest.approx(one.strength)
