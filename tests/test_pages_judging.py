"""Judging on Compare, run as Streamlit runs it: votes, blind names, checks, an expert that judges, differences."""

import pytest

from tests.test_pages import words
from tests.test_pages_compare import TWO, app, ask, open_tab, place, server

__all__ = ["app", "server"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's, in its own threads


def test_a_vote_is_kept_and_may_be_changed(app, store):
    ask(app)
    app.button(key="vote_1").click().run()
    app.button(key="vote_tie").click().run()
    (run,) = store.runs.all("")
    (vote,) = run.votes
    assert (vote.verdict, vote.is_blind, set(vote.experts)) == ("tie", False, set(TWO))


def test_blind_names_are_hidden_until_the_vote(app, store):
    app.toggle(key="compare_blind").set_value(True).run()
    ask(app)
    turn = app.session_state["turns"][-1]
    shown = words(app)
    assert "**Answer A**" in shown
    assert "**GPT-4o mini**" not in shown
    assert "· served" not in shown
    assert "Tokens out" not in shown
    assert app.session_state["turns"][-1].recorder.run_id in {line.run_id for line in store.ledger.lines(place(app))}
    assert not any("Expert" in frame.value for frame in app.dataframe), "nor does the ledger tell"
    assert not app.tabs[2:], "nothing below the answers names an expert"
    first = turn.columns()[0].expert
    app.button(key="vote_0").click().run()
    shown = words(app)
    assert "**GPT-4o mini**" in shown
    assert "Names were hidden until this vote" in shown
    (vote,) = store.runs.all("")[0].votes
    assert (vote.winner, vote.is_blind) == (first.name, True)


def test_blind_repeats_have_a_button_each_and_names_can_be_shown_without_a_vote(app, store):
    app.slider(key="compare_repeats").set_value(2).run()
    app.toggle(key="compare_blind").set_value(True).run()
    ask(app)
    assert [b.label for b in app.button if (b.key or "").startswith("vote_")][:4] == [f"Answer {n}" for n in "ABCD"]
    app.button(key="reveal").click().run()
    assert {b.label for b in app.button if (b.key or "").startswith("vote_")} >= {"GPT-4o mini", "o3-mini"}
    assert not store.runs.all("")[0].is_hidden
    app.text_area(key="prompt").set_value("").run()
    assert "I am gpt-4o-mini" in words(app), "answers stay when the prompt goes"
    assert not app.exception


def test_a_check_is_kept_and_shown_under_each_answer(app, store):
    ask(app)
    open_tab(app, "Checks")
    app.selectbox(key="check_kind").set_value("regex")
    app.text_input(key="check_expected").set_value("I am gpt")
    next(b for b in app.button if b.label == "Check").click().run()
    assert not app.exception
    shown = words(app)
    assert "check passed" in shown
    assert "check failed" in shown
    (run,) = store.runs.all("")
    assert {a.answer.expert: a.check[2] for a in run.answers} == {"gpt-4o-mini": True, "o3-mini": False}


def test_an_expert_judges_in_both_orders(app, store, server):
    ask(app)
    open_tab(app, "Judge")
    app.selectbox(key="judge_expert").set_value("gpt-4o-mini").run()
    app.checkbox(key="judge_unknown").check().run()
    app.button(key="judge_go").click().run()
    judging = app.session_state["turns"][-1].judging
    judging.wait(60)
    app.run()
    assert not app.exception
    assert len(judging.found) == 1
    assert "Judged by GPT-4o mini" in words(app)


def test_two_answers_are_compared_word_by_word(app):
    ask(app)
    open_tab(app, "Difference")
    assert "<del>gpt" in words(app) or "<ins>gpt" in words(app)
    open_tab(app, "As written")
    assert app.code[-1].value.startswith("I am")
