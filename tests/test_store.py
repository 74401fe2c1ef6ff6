"""The store on a real SQLite file: whole or absent, never half, and never another person's."""

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from routing.catalog import load_catalog
from routing.comparison import Column
from routing.errors import AnswerError, BudgetError, ServerFailed, StoreError, TimedOut
from routing.recording import begin
from routing.schema import Answer
from routing.store import NewRun, Place, Vote, open_store
from routing.store.engine import URL_NAME, connect, default_url
from routing.store.records import PERSON
from routing.store.tables import Base

ME = Place("", "browser-1")
RUN = NewRun(
    prompt="Who wrote Faust?",
    domain="knowledge",
    conversation="",
    turn=0,
    router="blend",
    router_sha256="abc",
    pick="a",
    preferences={"weights": {"cost": 0.4}},
    settings={"max_tokens": 64},
    predicted={"a": {"score": 0.5, "cost_usd": None}},
    asked=("a", "b"),
    repeats=1,
    is_blind=False,
)


def answer(expert="a", text="Goethe.", cost=0.001, error=None):
    return Answer(
        expert=expert, text=text, time_to_first_token_s=0.2, latency_s=1.5, input_tokens=4, output_tokens=3,
        tokens_source="reported", cost_usd=cost, cost_source="list", served="a-1", finish_reason="stop",
        is_complete=error is None, error=error, retries=0,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'a folder' / 't.db'}")
    yield opened
    opened.close()


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path):
    engine = connect(f"sqlite:///{tmp_path / 't.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_opening_again_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 't.db'}"
    first = open_store(url)
    run_id = first.runs.begin(RUN, ME)
    first.close()
    second = open_store(url)
    assert second.runs.open(run_id, "").run.prompt == RUN.prompt
    second.close()


def test_a_run_comes_back_exactly(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer(), reading_ease=61.5)
    store.runs.keep(run_id, answer("b", "", None, ServerFailed("B failed; try again.")))
    store.runs.finish(run_id)
    kept = store.runs.open(run_id, "")
    assert kept.run == replace(RUN, conversation=run_id)
    assert kept.is_finished
    assert kept.missing == ()
    assert kept.answers[0].answer == answer()
    assert kept.answers[0].reading_ease == 61.5
    assert kept.answers[1].error_kind == "ServerFailed"
    assert str(kept.answers[1].answer.error) == "B failed; try again."
    assert kept.created.tzinfo is not None


def test_an_interrupted_run_says_who_is_missing(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer())
    kept = store.runs.open(run_id, "")
    assert not kept.is_finished
    assert kept.missing == ("b",)


def test_asking_again_takes_the_place_of_the_answer(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer(text="Schiller."))
    store.runs.replace(run_id, answer(text="Goethe."))
    assert [a.answer.text for a in store.runs.open(run_id, "").answers] == ["Goethe."]


def test_search_finds_prompts_and_answers_and_nothing_by_wildcard(store):
    first = store.runs.begin(RUN, ME)
    store.runs.keep(first, answer(text="Johann Wolfgang."))
    second = store.runs.begin(replace(RUN, prompt="What is 100% of 7?", domain="maths", asked=("c",)), ME)
    store.runs.keep(second, answer("c", "7"))
    assert [s.id for s in store.runs.find("", search="WOLFGANG")] == [first]
    assert [s.id for s in store.runs.find("", search="100%")] == [second]
    assert store.runs.find("", search="W_lfgang") == ()
    assert [s.id for s in store.runs.find("", domain="maths")] == [second]
    assert [s.id for s in store.runs.find("", expert="c")] == [second]
    assert store.runs.count("") == 2
    assert [s.id for s in store.runs.find("", limit=1, offset=1)] == [first]
    assert store.runs.domains("") == ["knowledge", "maths"]


def test_nobody_sees_another_persons_runs(store):
    run_id = store.runs.begin(RUN, Place("ada", "x"))
    assert store.runs.find("bob") == ()
    assert store.runs.delete([run_id], "bob") == 0
    with pytest.raises(StoreError, match=r"There is no run .*Choose one of the list"):
        store.runs.open(run_id, "bob")
    assert store.runs.open(run_id, "ada").id == run_id


def test_deleting_takes_answers_and_votes_along_and_leaves_the_ledger(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer())
    store.votes.add(run_id, Vote("person", "win", "a", ("a", "b"), is_blind=True))
    store.ledger.reserve(ME, {"a": 0.1}, None, run_id=run_id)
    assert store.runs.delete([run_id], "") == 1
    assert store.runs.find("") == ()
    assert store.ledger.charged(ME.browser) == pytest.approx(0.1)


def test_a_second_vote_of_a_judge_replaces_its_first_and_no_other(store):
    run_id = store.runs.begin(RUN, ME)
    store.votes.add(run_id, Vote("person", "win", "a", ("a", "b"), is_blind=True))
    store.votes.add(run_id, Vote("person", "tie", None, ("a", "b"), is_blind=True))
    for _ in range(2):  # asked again about the same answers, a judge does not count twice
        store.votes.add(run_id, Vote("judge-1", "win", "b", ("a", "b"), is_blind=True, cost_usd=0.01))
    votes = store.runs.open(run_id, "").votes
    assert [(v.judge, v.verdict, v.winner) for v in votes] == [("person", "tie", None), ("judge-1", "win", "b")]


def test_a_vote_for_somebody_else_is_refused(store):
    run_id = store.runs.begin(RUN, ME)
    with pytest.raises(StoreError, match=r"'z' cannot win among a, b"):
        store.votes.add(run_id, Vote("person", "win", "z", ("a", "b"), is_blind=False))
    with pytest.raises(StoreError, match=r"no run 'gone' any more"):
        store.votes.add("gone", Vote("person", "tie", None, ("a", "b"), is_blind=False))


def test_a_check_is_kept_with_its_answer(store):
    run_id = store.runs.begin(RUN, ME)
    answer_id = store.runs.keep(run_id, answer())
    store.runs.check(answer_id, "regex", "Goe.he", is_passed=True)
    assert store.runs.open(run_id, "").answers[0].check == ("regex", "Goe.he", True)


def test_the_budget_refuses_all_or_none_and_says_what_is_left(store):
    store.ledger.reserve(ME, {"a": 0.4, "b": 0.3}, 1.0)
    with pytest.raises(BudgetError, match=r"may cost \$0.5000, and \$0.3000 of the budget of \$1 is left"):
        store.ledger.reserve(ME, {"a": 0.1, "b": 0.4}, 1.0)
    assert store.ledger.charged(ME.browser) == pytest.approx(0.7)
    assert store.ledger.charged("another") == 0


def test_settling_gives_back_what_was_not_spent_and_unknown_stays_charged(store):
    lines = store.ledger.reserve(ME, {"a": 0.4, "b": 0.3}, 1.0)
    store.ledger.settle(lines["a"], 0.1)
    store.ledger.settle(lines["b"], None)
    assert store.ledger.charged(ME.browser) == pytest.approx(0.4)
    assert [line.is_settled for line in store.ledger.lines(ME.browser)] == [True, True]


@pytest.mark.parametrize(
    ("one", "charged"),
    [
        (answer(text="", cost=0.0, error=ServerFailed("It failed.")), 0.0),
        (answer(text="", cost=0.2, error=ServerFailed("The answer is empty, and billed.")), 0.2),
        (answer(text="", cost=None, error=TimedOut("It was still thinking.")), 0.4),
    ],
)
def test_a_failure_without_text_is_charged_unless_nothing_was_billed(store, one, charged):
    recorder = begin(store, RUN, ME, {"a #1": 0.4}, 1.0)
    expert = load_catalog()["o3-mini"]
    recorder.keep(Column("a #1", expert, expert), one)
    assert store.ledger.charged(ME.browser) == pytest.approx(charged)


def test_the_ledger_knows_whose_names_are_hidden_until_the_vote(store):
    blind, seen = (begin(store, replace(RUN, is_blind=is_blind), ME, {"a #1": 0.4}, 1.0) for is_blind in (True, False))
    assert {line.run_id for line in store.ledger.lines(ME.browser)} == {blind.run_id, seen.run_id}
    assert store.ledger.hidden(ME.browser) == {blind.run_id}
    store.votes.add(blind.run_id, Vote("a-judge", "tie", None, RUN.asked, is_blind=True))
    assert store.ledger.hidden(ME.browser) == {blind.run_id}
    store.votes.add(blind.run_id, Vote(PERSON, "tie", None, RUN.asked, is_blind=True))
    assert not store.ledger.hidden(ME.browser)


def test_clicks_at_the_same_time_never_pass_the_budget_together(store):
    def click(_):
        try:
            store.ledger.reserve(ME, {"a": 0.3}, 1.0)
        except BudgetError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(click, range(16))) == 3


def test_many_threads_keep_answers_at_once(store):
    ids = [store.runs.begin(replace(RUN, prompt=f"p{i}"), ME) for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.runs.keep(i, answer(text=i)), ids))
    assert all(store.runs.open(i, "").answers[0].answer.text == i for i in ids)


def test_a_killed_process_leaves_whole_answers_and_no_broken_file(tmp_path):
    path = tmp_path / "t.db"
    code = (
        "import sys; from routing.store import open_store; from tests.test_store import RUN, ME, answer\n"
        f"store = open_store('sqlite:///{path}')\n"
        "run = store.runs.begin(RUN, ME); print(run, flush=True)\n"
        "i = 0\n"
        "while True:\n"
        "    store.runs.keep(run, answer(text='x' * 5000), repeat=i); print(i, flush=True); i += 1\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        run_id = process.stdout.readline().strip()
        while int(process.stdout.readline()) < 20:
            pass
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.stdout.read().split()]
    store = open_store(f"sqlite:///{path}")
    kept = store.runs.open(run_id, "")
    assert len(kept.answers) >= max(said, default=20) + 1
    assert {len(a.answer.text) for a in kept.answers} == {5000}
    store.close()
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url", r"THALAMUS_DATABASE_URL is no database URL"),
        ("mysql+nodriver://u:hidden@h/x", r"cannot be used"),
        ("postgresql+psycopg://u:hidden@127.0.0.1:1/x", r"\*\*\*@127.0.0.1:1/x cannot be used"),
        ("sqlite:////proc/nowhere/t.db", r"cannot be used"),
    ],
)
def test_a_database_that_does_not_open_says_so_without_its_password(url, message):
    with pytest.raises(StoreError, match=message) as caught:
        open_store(url)
    assert "hidden" not in str(caught.value)


def test_the_url_comes_from_secrets_then_environment_then_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv(URL_NAME, raising=False)
    assert default_url() == f"sqlite:///{tmp_path}/thalamus/thalamus.db"
    monkeypatch.setenv(URL_NAME, "sqlite:///env.db")
    assert default_url() == "sqlite:///env.db"
    assert default_url({URL_NAME: "sqlite:///secret.db"}) == "sqlite:///secret.db"


def test_an_error_read_back_is_one_of_ours(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer(error=ServerFailed("It failed.")))
    assert isinstance(store.runs.open(run_id, "").answers[0].answer.error, AnswerError)
