"""An answer knows its column, also where a fallback gave it, and asking again replaces the whole column."""

from dataclasses import replace

import pytest

from routing.comparison import Column
from routing.errors import ServerFailed
from routing.exporting import json_lines, rows
from routing.histories import kept_histories
from routing.recording import begin
from routing.store import Place, Vote, open_store
from tests.asking import expert
from tests.test_store import RUN, answer

ME = Place("", "browser-1")
A, B, Z = expert("a"), expert("b"), expert("z")
FAILED = answer("a", "", None, ServerFailed("A failed; try again."))


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 't.db'}")
    yield opened
    opened.close()


def taken_over(store):
    """A run of two columns, in one of which z answered for a."""
    recorder = begin(store, RUN, ME, {}, None)
    recorder.keep(Column("a #1", A, A), FAILED)
    recorder.keep(Column("a #1", Z, A, failed=(FAILED,)), answer("z", "Goethe, says z."))
    recorder.keep(Column("b #1", B, B), answer("b", "Goethe, says b."))
    recorder.finish()
    return recorder


def placed(store, run_id):
    return [(*a.place, a.answer.expert, a.answer.error is None) for a in store.runs.open(run_id, "").answers]


def test_a_fallback_stands_in_the_column_that_was_asked(store):
    run_id = taken_over(store).run_id
    assert placed(store, run_id) == [("a", 0, "a", False), ("a", 0, "z", True), ("b", 0, "b", True)]
    kept = store.runs.open(run_id, "")
    assert kept.missing == ()
    assert [m.text for m in kept_histories([kept])["a #1"]] == ["Who wrote Faust?", "Goethe, says z."]
    assert [r["asked"] for r in rows([kept])] == ["a", "a", "b"]
    assert json_lines([kept]).count('"asked": "a"') == 2


def test_asking_a_column_again_replaces_whoever_took_over(store):
    recorder = taken_over(store)
    recorder.keep(Column("a #1", A, A), answer("a", "Goethe, says a."))
    assert placed(store, recorder.run_id) == [("b", 0, "b", True), ("a", 0, "a", True)]


def test_asking_again_may_be_taken_over_again(store):
    recorder = taken_over(store)
    recorder.keep(Column("a #1", A, A), FAILED)
    recorder.keep(Column("a #1", Z, A, failed=(FAILED,)), answer("z", "Again z."))
    assert placed(store, recorder.run_id) == [("b", 0, "b", True), ("a", 0, "a", False), ("a", 0, "z", True)]
    assert store.runs.open(recorder.run_id, "").answers[-1].answer.text == "Again z."


def test_another_repeat_is_left_alone(store):
    recorder = begin(store, replace(RUN, repeats=2), ME, {}, None)
    recorder.keep(Column("a #2", Z, A, 1, failed=(FAILED,)), answer("z", "Second."))
    recorder.keep(Column("a #1", A, A, 0), answer("a", "First."))
    assert placed(store, recorder.run_id) == [("a", 1, "z", True), ("a", 0, "a", True)]


def test_votes_are_taken_back_with_those_of_judges(store):
    run_id, other = (begin(store, RUN, ME, {}, None).run_id for _ in range(2))
    for run in (run_id, other):
        for judge in ("person", "b"):
            store.votes.add(run, Vote(judge, "win", "a", ("a", "b"), is_blind=False))
    assert store.votes.remove(run_id) == 2
    assert store.runs.open(run_id, "").votes == ()
    assert len(store.runs.open(other, "").votes) == 2
