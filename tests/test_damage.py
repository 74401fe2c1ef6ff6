"""A row that does not hold what its table says leaves the others, in every table and every column."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from routing.errors import StoreError
from routing.own import OwnExpert
from routing.store import Place, Vote
from routing.store.damage import Found
from routing.store.outcomes import Collected
from routing.store.records import Proposal
from routing.store.tables import Base
from tests.test_pages import PAGES, ROOT, words
from tests.test_policy_file_kept import captured
from tests.test_store import RUN, answer

ME = Place("", "browser-1")
# By the kind of a column, what somebody or a failing disk could leave in it.
DAMAGE = {
    "JSON": ["{", "null", "[]", "7", '{"weights": 3}', '{"a": {"score": "high"}}', "[[[" * 2_000, b"\xff\x00"],
    "DATETIME": ["yesterday", "", 7, b"\xff"],
    "TEXT": [b"\xff\xfe", b""],
    "INTEGER": ["many", 2.5, b"\xff", -1],
    "DOUBLE": ["much", b"\xff", float("inf")],
    "BOOLEAN": ["maybe", 7, b"\xff"],
}
KEYS = {"id", "run_id", "owner", "browser", "conversation", "job", "policy.name"}  # by which a row is found
TABLES = [table for table in Base.metadata.sorted_tables if table.name != "person"]


def filled(store):
    """Two of everything; the first is the one that is damaged."""
    for n in (1, 2):
        run_id = store.runs.begin(RUN, ME)
        store.runs.keep(run_id, answer())
        store.votes.add(run_id, Vote("person", "win", "a", ("a", "b"), is_blind=False))
        store.ledger.reserve(ME, {"a": 0.1}, None, run_id=run_id)
        store.ledger.settle(n, 0.05)
        store.experts.save(OwnExpert(f"mine-{n}", address="http://127.0.0.1:9/v1"), "")
        store.outcomes.keep("", "onboarding", Collected("mine-1", f"p{n}", 1.0, answer="x"))
        store.routers.add("", name=f"Router {n}", folder=f"{n}" * 16, graph_sha256="abc", measures={})
        store.policies.save(captured(), "")
        store.adjustments.apply(Proposal({"a": 0.1 * n}, 20, 10, 0.7, 0.6), "")


def damage(store, table, column, value):
    """Write what the table's types would never let through."""
    first = f"rowid = (SELECT min(rowid) FROM {table})"  # noqa: S608 - names of our own tables
    statement = text(f'UPDATE {table} SET "{column}" = :value WHERE {first}')  # noqa: S608
    with store._engine.begin() as connection:
        connection.execute(statement, {"value": value})


def everything(store):
    """What each part of the store reads, as often as it can be read."""
    read = {
        "run": store.runs.all(""), "found": store.runs.find(""), "spend": store.ledger.lines(ME.browser),
        "own_expert": store.experts.all(""), "probe_outcome": store.outcomes.all("", "onboarding"),
        "own_router": store.routers.all(""), "policy": store.policies.versions("Team default", ""),
        "adjustment": store.adjustments.all(""),
    }  # fmt: skip
    store.runs.count("", search="Faust", expert="a")
    store.policies.names("")
    return read


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_one_damaged_value_leaves_the_other_rows(store, table):
    filled(store)
    for column in table.columns:
        if {column.name, f"{table.name}.{column.name}"} & KEYS:
            continue
        statement = text(f'SELECT "{column.name}" FROM {table.name} ORDER BY rowid')  # noqa: S608
        with store._engine.begin() as connection:
            whole = connection.execute(statement).scalar()
        for value in DAMAGE[str(column.type.compile()).split("(")[0]]:
            damage(store, table.name, column.name, value)
            check_the_others(store, table.name, f"{column.name} = {str(value)[:20]!r}")
        damage(store, table.name, column.name, whole)


def check_the_others(store, table, what):
    """Every part of the store reads as many rows as before, but for one of this table at most."""
    for name, found in everything(store).items():
        known = 1 if name == "policy" else 2
        assert isinstance(found, Found)
        assert len(found) + found.n_damaged == known, (name, what)
        assert len(found) >= known - (name in {table, "found"}), (name, what)


@pytest.fixture
def damaged(store):
    """A database in which one row of every table cannot be read."""
    filled(store)
    store.policies.save(replace(captured(), note="newer"), "")
    for table, column, value in (
        ("run", "preferences", '{"weights": {"cost": "dear"}}'), ("answer", "latency_s", "long"),
        ("vote", "experts", "7"), ("spend", "spent_usd", "much"),
        ("own_expert", "facts", '{"title": 3}'), ("probe_outcome", "score", "good"),
        ("own_router", "measures", '{"own": {"trained": {"x": 1}}}'), ("policy", "content", '{"format": 99}'),
        ("adjustment", "parameters", '{"a": "b"}'),
    ):  # fmt: skip
        damage(store, table, column, value)
    return store


@pytest.mark.parametrize("page", PAGES)
def test_every_page_goes_on_beside_damaged_rows(damaged, page):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_area(key="prompt").set_value("How many primes are below 30?").run()
    app.switch_page(page).run().run()
    assert not app.exception, page
    assert "###" in words(app)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("pages/evidence/history.py", "1 run is damaged in the database and left out"),
        ("pages/evidence/experts.py", "1 own expert is damaged in the database and left out"),
        ("pages/workshop/train.py", "1 router is damaged in the database and left out"),
        ("pages/tradeoffs/policies.py", "1 version is damaged in the database and left out"),
    ],
)
def test_what_is_left_out_is_said_where_it_would_stand(damaged, page, said):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page(page).run().run()
    assert said in words(app)


def test_a_damaged_run_is_one_sentence_and_can_be_deleted(store):
    run_id = store.runs.begin(RUN, ME)
    damage(store, "run", "settings", "{")
    with pytest.raises(StoreError, match=r"A row of the table run is damaged .*or delete it"):
        store.runs.open(run_id, "")
    store.runs.delete_found("")
    assert store.runs.count("") == 0


def test_a_damaged_answer_leaves_its_run(store):
    run_id = store.runs.begin(RUN, ME)
    store.runs.keep(run_id, answer())
    store.runs.keep(run_id, answer("b"))
    damage(store, "answer", "latency_s", "long")
    found = store.runs.open(run_id, "")
    assert [a.answer.expert for a in found.answers] == ["b"]
    assert found.damage == "1 answer is damaged in the database and left out. Restore it from a copy."


def test_a_budget_is_not_watched_over_a_damaged_ledger(store):
    store.ledger.reserve(ME, {"a": 0.1}, None)
    damage(store, "spend", "reserved_usd", "much")
    with pytest.raises(StoreError, match="A row of the table spend is damaged"):
        store.ledger.reserve(ME, {"a": 0.1}, 1.0)


def test_a_damaged_newest_version_does_not_hinder_the_next(store):
    store.policies.save(captured(), "")
    damage(store, "policy", "content", '{"format": 99}')
    assert store.policies.save(captured(), "") == (2, True)
    assert [one.version for one in store.policies.versions("Team default", "")] == [2]
