"""Compare, run as Streamlit runs it: asking, money, votes, checks, judges and what is kept of them."""

import math
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import controls, money
from routing.asking import Estimate
from routing.own import OwnExpert
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
    assert "Asked GPT-4o mini, " in words(app).replace("\\", "")
    (kept,) = store.runs.all("")
    assert kept.is_finished
    assert {a.answer.expert for a in kept.answers} == set(TWO)
    assert kept.run.predicted["o3-mini"]["score"] is not None
    assert kept.run.settings["max_tokens"] == 512


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
    assert not store.runs.all("")


def test_repeats_stand_side_by_side_and_count_in_the_price(app, store, monkeypatch):
    app.slider(key="compare_repeats").set_value(3).run()
    ask(app, ["o3-mini"])
    assert "o3-mini, 3 of 3" in words(app)
    open_tab(app, "Repeats", n_tabs=7)
    assert app.dataframe[-1].value["Complete"].tolist() == ["3 of 3"]
    (run,) = store.runs.all("")
    assert [a.repeat for a in run.answers] in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
    assert "3 calls" in words(app)


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


def test_of_a_pool_without_predictions_those_that_can_be_called_are_suggested(store, server):
    store.experts.save(OwnExpert("mine", {}, server.url), "")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_area(key="prompt").set_value(MATHS).run()
    app.selectbox(key="pool").set_value(controls.OWN).run()
    app.multiselect(key="own_pool").set_value(["mine"]).run()
    app.switch_page("pages/ask/compare.py").run().run()
    assert app.multiselect(key="compare_experts").value == ["mine"]


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
