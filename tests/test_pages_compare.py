"""Compare, run as Streamlit runs it: asking, money, votes, checks, judges and what is kept of them."""

import math
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import money
from routing.asking import Estimate
from tests.loopback import Loopback
from tests.test_pages import words

ROOT = Path(__file__).resolve().parent.parent
MATHS = "How many ways are there to seat five people round a table?"
TWO = ["gpt-4o-mini", "o3-mini"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's, in its own threads


@pytest.fixture(scope="module")
def server():
    with Loopback() as found:
        yield found


@pytest.fixture
def app(store, server):
    """Compare with a prompt, and two experts behind the loopback server."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_area(key="prompt").set_value(MATHS).run()
    app.session_state["session_addresses"] = dict.fromkeys([*TWO, "status-500"], server.url)
    app.switch_page("pages/ask/compare.py").run().run()
    return app


def place(app):
    return app.session_state["browser"]


def choose(app, names):
    app.multiselect(key="compare_experts").set_value(list(names)).run()
    for box in app.checkbox:
        if box.label.startswith("Ask at an unknown price"):
            box.check().run()


def ask(app, names=TWO):
    choose(app, names)
    app.button(key="compare_ask").click().run()
    wait(app)


def open_tab(app, name, n_tabs=6):
    app.session_state[f"compare_tabs_{n_tabs}"] = name
    app.run()


def wait(app):
    app.session_state["turns"][-1].comparison.wait(60)
    app.run()
    assert not app.exception


def test_two_answers_are_shown_and_kept(app, store):
    ask(app)
    assert "I am gpt-4o-mini" in words(app)
    assert "Asked GPT-4o mini · routed" in words(app).replace("\\", "")
    (kept,) = store.runs.all("")
    assert kept.is_finished
    assert {a.answer.expert for a in kept.answers} == set(TWO)
    assert kept.run.predicted["o3-mini"]["score"] is not None
    assert kept.run.settings["max_tokens"] == 512


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


def test_an_unknown_price_needs_a_tick(app):
    app.multiselect(key="compare_experts").set_value(TWO).run()
    assert app.button(key="compare_ask").disabled
    assert "Nobody is asked until this is ticked" in words(app)
    choose(app, TWO)
    assert not app.button(key="compare_ask").disabled
    assert "Nobody is asked until" not in words(app)
    assert "cost unknown" in words(app)


@pytest.mark.parametrize(
    ("most", "callable_", "said"),
    [
        ([0.0] * 3, ["a"], "Only Ann can be called now; the other 2 need a key or an own address. No cost."),
        ([0.0, math.nan], ["a"], "Only Ann can be called now; the other one needs a key or an own address. Cost unkn"),
        ([0.5, 0.5], ["a", "b"], "2 calls: expected **\\$1.00**, at most \\$1.00; 1,000 such runs about \\$1,000.00."),
    ],
)
def test_before_the_click_it_is_said_who_can_be_called(monkeypatch, most, callable_, said):
    monkeypatch.setattr(money.own, "titles", lambda: {"a": "Ann", "b": "Bob"})
    known = dict(enumerate(most))
    unknown = ("a",) if math.isnan(sum(most)) else ()
    cost = Estimate(known, {k: v for k, v in known.items() if v or not unknown}, unknown, tuple(callable_))
    assert money.sentence(cost, len(most)).startswith(said)


def test_the_budget_refuses_what_goes_beyond_and_asks_nobody(app, store, server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-none")
    app.session_state["session_addresses"] = {}
    app.number_input(key="budget").set_value(0.0).run()
    app.multiselect(key="compare_experts").set_value(TWO).run()
    before = len(server.requests)
    said = words(app)
    assert "at most \\$" in said
    assert "1,000 such runs" in said
    app.button(key="compare_ask").click().run()
    assert "These calls may cost" in words(app).replace("\\", "")
    assert len(server.requests) == before
    assert store.runs.all("") == []


def test_repeats_stand_side_by_side_and_count_in_the_price(app, store, monkeypatch):
    app.slider(key="compare_repeats").set_value(3).run()
    ask(app, ["o3-mini"])
    assert "o3-mini, 3 of 3" in words(app)
    open_tab(app, "Repeats", n_tabs=7)
    assert app.dataframe[-1].value["Complete"].tolist() == ["3 of 3"]
    (run,) = store.runs.all("")
    assert [a.repeat for a in run.answers] in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
    assert "3 calls" in words(app)


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


def test_a_conversation_goes_on_with_each_ones_own_answers(app, store, server):
    ask(app)
    app.text_area(key="continue_0").set_value("And six?").run()
    app.button(key="continue_go").click().run()
    wait(app)
    said = words(app)
    assert "**Turn 2:** And six?" in said
    sent = [r["body"] for r in server.requests if r["body"]["messages"][-1]["content"] == "And six?"]
    assert {b["model"]: b["messages"][2]["content"].split()[2] for b in sent} == {n: n for n in TWO}
    first, second = sorted(store.runs.all(""), key=lambda r: r.run.turn)
    assert second.run.conversation == first.id
    assert second.run.turn == 1


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


def test_answers_are_shown_though_the_database_fails(app, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("THALAMUS_DATABASE_URL", f"sqlite:///{tmp_path}/file/t.db")
    app.number_input(key="budget").set_value(None).run()
    ask(app)
    said = words(app)
    assert "I am o3-mini" in said
    assert "shown but not kept" in said


def test_measured_paces_reach_the_decision(app, store):
    ask(app)
    routed = app.session_state["turns"][-1].routed
    paces = app.session_state["learned"].paces
    assert paces["o3-mini"].n == 1
    assert routed.decision.options.values["latency"][routed.decision.options.index("o3-mini")] > 0


def test_a_prompt_that_must_stay_here_is_not_sent_to_an_expert_chosen_by_hand(app):
    choose(app, ["gpt-4o-mini"])
    assert not app.button(key="compare_ask").disabled
    app.text_area(key="prompt").set_value(MATHS + " [Flag: local only]").run()
    assert app.multiselect(key="compare_experts").value == ["gpt-4o-mini"]
    assert "GPT-4o mini is beyond it" in words(app)
    assert app.button(key="compare_ask").disabled


def test_the_pool_may_change_after_answers_arrived(app):
    ask(app, ["gpt-4o-mini"])
    app.selectbox(key="pool").set_value("open9").run()
    assert not app.exception
    assert app.multiselect(key="compare_experts").value


def test_an_example_brings_its_domain(app):
    assert app.selectbox(key="compare_domain").value == ""
    app.button(key="example_Maths").click().run()
    assert app.selectbox(key="compare_domain").value == "Maths"
    app.text_area(key="prompt").set_value(MATHS).run()
    assert app.selectbox(key="compare_domain").value == ""


def test_settings_and_budget_survive_other_pages(app):
    app.number_input(key="compare_tokens").set_value(64).run()
    app.number_input(key="budget").set_value(None).run()
    app.selectbox(key="compare_only_for").set_value(app.multiselect(key="compare_experts").value[0]).run()
    name = app.selectbox(key="compare_only_for").value
    app.number_input(key=f"own_tokens_{name}").set_value(32).run()
    for path in ("pages/ask/route.py", "pages/evidence/history.py", "pages/ask/compare.py"):
        app.switch_page(path).run().run()
    assert app.number_input(key="compare_tokens").value == 64
    assert app.number_input(key="budget").value is None
    assert app.session_state["overrides"][name].max_tokens == 32
    assert not app.exception


def test_an_override_is_sent_to_its_expert_alone(app, server):
    choose(app, TWO)
    app.selectbox(key="compare_only_for").set_value("o3-mini").run()
    app.text_area(key="own_system_o3-mini").set_value("Speak like a pirate.").run()
    app.button(key="compare_ask").click().run()
    wait(app)
    systems = {r["body"]["model"]: r["body"]["messages"][0]["content"] for r in server.requests[-2:]}
    assert systems["o3-mini"] == "Speak like a pirate."
    assert systems["gpt-4o-mini"] != systems["o3-mini"]


def test_a_key_is_in_no_file_export_or_link(app, store, server, tmp_path, caplog):
    mark = "sk-marked-0123456789abcdefghijk"
    app.session_state["session_keys"] = {"GPT_4O_MINI_ENDPOINT_KEY": mark}
    ask(app)
    app.button(key="vote_0").click().run()
    assert any(r["key"] == f"Bearer {mark}" for r in server.requests), "the key was used"
    runs = store.runs.all("")
    from routing.exporting import json_lines, rows

    held = json_lines(runs) + repr(rows(runs)) + repr(runs) + caplog.text + words(app) + repr(dict(app.query_params))
    assert mark not in held
    assert all(mark not in c.value for c in app.code)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or mark.encode() not in file.read_bytes(), file
