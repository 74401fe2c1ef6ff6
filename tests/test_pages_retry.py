"""Asking a column again on Compare, and who takes over: what is replaced, what becomes of votes, what History shows."""

import pytest

from tests.test_pages import words
from tests.test_pages_compare import TWO, app, ask, choose, server, wait

__all__ = ["app", "server"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's, in its own threads


def retry(app, name):
    turn = app.session_state["turns"][-1]
    app.button(key=f"retry_{turn.shown.index(f'{name} #1')}").click().run()
    wait(app)


def test_a_vote_on_answers_that_changed_no_longer_counts(app, store):
    app.toggle(key="compare_blind").set_value(True).run()
    ask(app)
    app.button(key="vote_0").click().run()
    assert len(store.runs.all("")[0].votes) == 1
    retry(app, "o3-mini")
    assert "earlier votes on this turn no longer count" in words(app)
    assert "**GPT-4o mini**" in words(app), "names that were shown stay shown"
    assert store.runs.all("")[0].votes == ()
    app.button(key="vote_tie").click().run()
    assert "no longer count" not in words(app)
    (vote,) = store.runs.all("")[0].votes
    assert (vote.verdict, vote.is_blind) == ("tie", False)


def test_a_column_that_a_fallback_answered_is_asked_again_whole(app, store, server):
    server.manners["o3-mini"] = "status-500"
    try:
        app.selectbox(key="pool").set_value("My choice").run()
        app.multiselect(key="own_pool").set_value(TWO).run()
        app.toggle(key="compare_fallbacks").set_value(True).run()
        app.number_input(key="compare_retries").set_value(0).run()
        ask(app, ["o3-mini"])
    finally:
        server.manners.clear()
    (run,) = store.runs.all("")
    assert [(a.place[0], a.answer.expert) for a in run.answers] == [("o3-mini", "o3-mini"), ("o3-mini", "gpt-4o-mini")]
    app.switch_page("pages/evidence/history.py").run().run()
    app.button(key=f"open_{run.id}").click().run()
    said = words(app).replace("\\", "")
    assert not app.exception
    assert "Asked o3-mini" in said
    assert "o3-mini failed first" in said
    app.switch_page("pages/ask/compare.py").run().run()
    retry(app, "o3-mini")
    (run,) = store.runs.all("")
    assert [(a.asked, a.answer.expert, a.answer.error) for a in run.answers] == [(None, "o3-mini", None)]


def test_a_column_is_asked_again_alone(app, store, server):
    server.manners["o3-mini"] = "status-500"
    try:
        app.number_input(key="compare_retries").set_value(0).run()
        ask(app)
        assert "failed or broke off" in words(app)
    finally:
        server.manners.clear()
    turn = app.session_state["turns"][-1]
    app.button(key=f"retry_{turn.shown.index('o3-mini #1')}").click().run()
    wait(app)
    assert "I am o3-mini" in words(app)
    (run,) = store.runs.all("")
    assert [a.answer.error for a in run.answers] == [None, None]


def test_a_fallback_takes_over_and_its_order_is_said_before(app, store, server):
    server.manners["o3-mini"] = "status-500"
    try:
        app.session_state["session_addresses"] = {"o3-mini": server.url, "gpt-4o-mini": server.url}
        app.selectbox(key="pool").set_value("My choice").run()
        app.multiselect(key="own_pool").set_value(TWO).run()
        app.toggle(key="compare_fallbacks").set_value(True).run()
        app.number_input(key="compare_retries").set_value(0).run()
        choose(app, ["o3-mini"])
        has_fallback = "takes over" in words(app)
        app.button(key="compare_ask").click().run()
        wait(app)
    finally:
        server.manners.clear()
    assert has_fallback
    said = words(app).replace("\\", "")
    assert "o3-mini failed first" in said
    assert "Asked o3-mini" in said
    assert "I am gpt-4o-mini" in said
