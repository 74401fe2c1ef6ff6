"""History, run as Streamlit runs it, on a database filled beforehand."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.common.history import listing
from routing.asking import blind_order
from routing.errors import ServerFailed
from routing.store import NewRun, Place, Vote
from routing.store.records import PERSON
from tests.test_pages import words
from tests.test_store import answer

ROOT = Path(__file__).resolve().parent.parent
TWO = ("gpt-4o-mini", "o3-mini")
ME = Place("", "browser-1")
TOLD = {"score": 0.6, "cost_usd": 0.002, "latency_s": 3.0, "output_tokens": 4.0, "reading_ease": 50.0}
RUN = NewRun(
    prompt="Who wrote Faust?", domain="General", conversation="", turn=0, router="blend", router_sha256="abc",
    pick="o3-mini", preferences={"weights": {"cost": 0.2}, "limits": {"size": 70.0}, "pool": None},
    settings={"max_tokens": 64, "temperature": 0.5, "timeout_s": 30.0, "retries": 2, "system": "Be brief.",
              "is_json": False, "overrides": {"o3-mini": {"system": None, "temperature": 1.0, "max_tokens": None}},
              "fallbacks": []},
    predicted=dict.fromkeys(TWO, TOLD), asked=TWO, repeats=1, is_blind=False,
)  # fmt: skip


def keep(store, run=RUN, *, texts=("Goethe.", "It was Goethe."), finished=True, place=ME):
    run_id = store.runs.begin(run, place)
    for name, text in zip(run.asked, texts, strict=False):
        store.runs.keep(run_id, answer(name, text))
    if finished:
        store.runs.finish(run_id)
    return run_id


def opened_page():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return app.switch_page("pages/evidence/history.py").run().run()


def tab(app, name):
    app.session_state["history_tabs"] = name
    return app.run()


def test_without_runs_the_page_says_what_to_do(store):
    assert "Ask experts on Compare" in words(opened_page())


def test_compare_leads_back_to_the_last_answers_until_others_are_asked(store):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/ask/compare.py").run()
    assert not [b for b in app.button if b.key == "compare_last"], "nothing was asked before"
    keep(store, replace(RUN, prompt="An older question?"))
    keep(store)
    app.run()
    app.button(key="compare_last").click().run()
    assert not app.exception
    assert app.session_state["history_open"]
    app.switch_page("pages/evidence/history.py").run()
    assert "Who wrote Faust?" in words(app)
    assert "It was Goethe." in words(app)


def test_runs_are_listed_searched_and_paged(store):
    for i in range(30):
        keep(store, replace(RUN, prompt=f"Question number {i:02}"))
    app = opened_page()
    assert sum((b.key or "").startswith("open_") for b in app.button) == 25
    assert "1 to 25 of 30" in words(app)
    app.button(key="older").click().run()
    assert "26 to 30 of 30" in words(app)
    app.text_input(key="history_search").set_value("number 07").run()
    assert "1 to 1 of 1" in words(app)
    assert not app.exception


def test_a_run_opens_as_it_was_and_goes_when_deleted(store):
    run_id = keep(store)
    store.votes.add(run_id, Vote(PERSON, "win", "o3-mini", TWO, True))
    app = opened_page()
    app.button(key=f"open_{run_id}").click().run()
    said = words(app)
    assert "It was Goethe." in said
    assert "system message: Be brief" in said
    assert "voted for **o3\\-mini**" in said
    assert "cost weight 0.2" in said
    assert not app.exception
    app.button(key="delete_go").click().run()
    assert "Ask experts on Compare" in words(app)
    assert not store.runs.all("")


def test_an_interrupted_run_says_who_is_missing(store, monkeypatch):
    run_id = keep(store, texts=("Goethe.",), finished=False)
    monkeypatch.setattr("pages.common.asking.STARTED", datetime(2026, 1, 1, tzinfo=UTC))
    assert "running" in words(opened_page())
    monkeypatch.setattr("pages.common.asking.STARTED", datetime.now(UTC))
    app = opened_page()
    assert "interrupted" in words(app)
    app.button(key=f"open_{run_id}").click().run()
    assert "Missing: o3-mini" in words(app)
    assert "Goethe." in words(app)


def test_asking_again_sets_compare_as_it_was(store):
    run_id = keep(store)
    app = opened_page()
    app.button(key=f"open_{run_id}").click().run()
    app.button(key="ask_again_go").click().run()
    app.switch_page("pages/ask/compare.py").run().run()
    assert not app.exception
    assert app.text_area(key="prompt").value == RUN.prompt
    assert tuple(app.multiselect(key="compare_experts").value) == TWO
    assert app.slider(key="compare_temperature").value == 0.5
    assert app.number_input(key="compare_tokens").value == 64
    assert app.select_slider(key="weight_cost").value == 0.2
    assert app.selectbox(key="compare_domain").value == "General"
    assert app.session_state["overrides"]["o3-mini"].temperature == 1.0
    assert "Ask to see what changed" in words(app)


def test_a_blind_run_hides_its_names_until_they_are_asked_for(store):
    run_id = keep(store, replace(RUN, is_blind=True))
    app = opened_page()
    app.button(key=f"open_{run_id}").click().run()
    said = words(app)
    assert "**Answer A**" in said
    assert "It was Goethe." in said
    assert "**o3-mini**" not in said
    assert "served" not in said
    assert "show here how far" in words(tab(app, "Predictions"))
    tab(app, "Runs")
    app.button(key="kept_reveal").click().run()
    assert "**o3-mini**" in words(app)
    assert not store.runs.open(run_id, "").run.is_blind
    other = keep(store, replace(RUN, is_blind=True))
    app.button(key="back").click().run()
    app.button(key=f"open_{other}").click().run()
    app.button(key="kept_vote_Answer A").click().run()
    (vote,) = store.runs.open(other, "").votes
    letter_a = blind_order(["gpt-4o-mini #1", "o3-mini #1"], other)[0]
    assert (vote.is_blind, f"{vote.winner} #1") == (True, letter_a)
    assert "Names were hidden" in words(app)
    assert not app.exception


def test_exports_leave_out_what_is_hidden(store, monkeypatch):
    taken = []
    monkeypatch.setattr(listing, "export_buttons", lambda found, *_: taken.extend(run.id for run in found()))
    keep(store, replace(RUN, is_blind=True))
    seen = keep(store)
    listing.exports(store, "", ("", "", ""), "found")
    assert taken == [seen]


def test_what_was_found_is_deleted_and_gone_experts_are_said(store):
    keep(store, replace(RUN, prompt="Another question?"))
    run_id = keep(store, replace(RUN, asked=("o3-mini", "long-gone"), router="nobody"), texts=("Goethe.", "He."))
    app = opened_page()
    assert "long-gone" in app.selectbox(key="history_expert").options
    app.button(key=f"open_{run_id}").click().run()
    app.button(key="ask_again_go").click().run()
    app.switch_page("pages/ask/compare.py").run().run()
    said = words(app).replace("\\", "")
    assert "long-gone cannot be asked" in said
    assert "The router nobody is not here" in said
    app.switch_page("pages/evidence/history.py").run().run()
    app.button(key="back").click().run()
    app.text_input(key="history_search").set_value("another").run()
    app.button(key="delete_found").click().run()
    assert [run.id for run in store.runs.all("")] == [run_id]
    assert not app.exception


def test_another_owner_is_never_shown(store):
    keep(store, place=Place("ada@example.org", "b"))
    assert "Ask experts on Compare" in words(opened_page())


def test_predictions_votes_spend_and_learning(store):
    for i in range(100):  # run ids are random, and so is who is held out: enough of them that both sides suffice
        run_id = keep(store, replace(RUN, prompt=f"Question {i}"))
        store.votes.add(run_id, Vote(PERSON, "win", TWO[i % 12 == 0], TWO, False))
    app = opened_page()
    assert "Latency (s)" in list(tab(app, "Predictions").dataframe[0].value["Quantity"])
    strong = tab(app, "Votes").dataframe[0].value
    assert strong.iloc[0]["Expert"] == "GPT-4o mini"
    assert "200 stored answers" in tab(app, "Spend").metric[2].label
    tab(app, "Learning")
    app.button(key="propose").click().run()
    assert not app.exception
    assert not app.button(key="apply").disabled
    app.button(key="apply").click().run()
    assert store.adjustments.shifts("")["gpt-4o-mini"] > 0
    app.button(key="undo").click().run()
    assert store.adjustments.shifts("") == {}


def test_a_database_that_cannot_be_used_is_said_calmly(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("THALAMUS_DATABASE_URL", f"sqlite:///{tmp_path}/file/t.db")
    app = opened_page()
    assert not app.exception
    assert "cannot be used" in words(app)


def test_exports_hold_everything_and_no_formula(store):
    import pandas as pd

    from pages.common.download import csv_bytes
    from routing.exporting import json_lines, rows

    run_id = store.runs.begin(replace(RUN, prompt="=1+1"), ME)
    store.runs.keep(run_id, answer("o3-mini", "", None, ServerFailed("It failed.")))
    found = store.runs.all("")
    line = json.loads(json_lines(found))
    assert line["prompt"] == "=1+1"
    assert line["missing"] == ["gpt-4o-mini"]
    assert line["answers"][0]["error_kind"] == "ServerFailed"
    assert "'=1+1" in csv_bytes(pd.DataFrame(rows(found))).decode()
