"""Who owns what: a person is an issuer and a subject, and what an e-mail kept becomes theirs once."""

import json
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from routing.errors import StoreError
from routing.own import OwnExpert
from routing.ownership import take_over
from routing.store import Person, Place, open_store
from routing.store.engine import MIGRATIONS, connect
from routing.store.outcomes import Collected
from routing.store.people import owned
from routing.store.records import Proposal
from routing.workshop import locks, places, state
from tests.command_line import run
from tests.postgres import postgres
from tests.test_policy_file_kept import captured
from tests.test_store import RUN, answer

MAIL = "ada@example.org"
ADA = Person("https://id.example", "248289", MAIL)
EVE = Person("https://id.example", "666", MAIL)  # got the address after Ada left


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path, monkeypatch):
    """An empty database of either kind; folders of people lie in the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'thalamus' / 'thalamus.db'}"
    found = request.getfixturevalue("server")
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return found


def at_version_2(url, *owners):
    """A database as the version before made it, with something in every table of each of these owners."""
    connect(url).dispose()  # makes the folder
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    at = "2026-11-30 10:00:00+00:00" if "postgres" in url else "2026-11-30 10:00:00.000000"
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        for n, owner in enumerate(owners):
            told = {"o": owner, "at": at, "id": f"run-{n}", "yes": True, "no": False}
            for sql in (
                "INSERT INTO run (id, owner, browser, created, prompt, domain, conversation, turn, router, "
                "router_sha256, pick, preferences, settings, predicted, asked, repeats, is_blind, is_finished) VALUES "
                "(:id, :o, 'b', :at, 'Who wrote Faust?', '', :id, 0, 'blend', 'abc', NULL, '{}', '{}', '{}', "
                "'[\"a\"]', 1, :no, :yes)",
                "INSERT INTO spend (owner, browser, created, expert, reserved_usd, is_settled) VALUES "
                "(:o, 'b', :at, 'a', 0.5, :no)",
                "INSERT INTO adjustment (owner, created, parameters, measures, is_active) VALUES (:o, :at, "
                '\'{"a": 0.5}\', \'{"n_used": 20, "n_held_out": 10, "loss_before": 0.7, "loss_after": 0.6}\', '
                ":yes)",
                "INSERT INTO own_expert (owner, name, changed, facts, is_hidden) VALUES (:o, 'mine', :at, '{}', :yes)",
                "INSERT INTO probe_outcome (owner, job, expert, prompt_id, created, score, answer) VALUES "
                "(:o, 'onboarding', 'mine', 'p1', :at, 1.0, 'x'), (:o, 'onboarding', 'mine', 'p2', :at, 0.0, 'y')",
                "INSERT INTO own_router (owner, name, created, folder, graph_sha256, measures, is_active) VALUES "
                "(:o, 'Mine', :at, '0123456789abcdef', 'abc', '{}', :yes)",
            ):
                connection.execute(text(sql), told)
            policy = {"content": json.dumps(json.loads(_policy_json())), "o": owner, "at": at}
            connection.execute(
                text("INSERT INTO policy (owner, name, version, created, content) VALUES "
                     "(:o, 'Team default', 1, :at, :content)"), policy,
            )  # fmt: skip
    engine.dispose()


def _policy_json():
    from routing.policy_file import as_dict

    return json.dumps(as_dict(captured()))


def kept_by(store, owner):
    """What somebody has, as a table of counts and the names in force."""
    router, shifts = store.routers.active(owner), store.adjustments.shifts(owner)
    return (
        store.runs.count(owner), len(store.experts.all(owner)), len(store.outcomes.all(owner, "onboarding")),
        len(store.routers.all(owner)), len(store.policies.versions("Team default", owner)),
        router and router.name, shifts,
    )  # fmt: skip


FULL = (1, 1, 2, 1, 1, "Mine", {"a": 0.5})
EMPTY = (0, 0, 0, 0, 0, None, {})


def test_every_table_of_the_version_before_becomes_the_persons(url):
    at_version_2(url, MAIL, "bob@example.org")
    folder = places.folder(MAIL, "0123456789abcdef")
    folder.mkdir(parents=True)
    (folder / "router.onnx").write_bytes(b"graph")
    store = open_store(url)
    assert kept_by(store, ADA.owner) == EMPTY
    assert take_over(store, MAIL, ADA) == 8
    assert kept_by(store, ADA.owner) == FULL
    assert kept_by(store, "bob@example.org") == FULL
    assert store.people.count(MAIL) == 0
    assert (places.folder(ADA.owner, "0123456789abcdef") / "router.onnx").read_bytes() == b"graph"
    assert not places.home(MAIL).exists()
    assert take_over(store, MAIL, ADA) == 0
    store.close()


def test_whoever_gets_the_address_later_gets_nothing(url):
    at_version_2(url, MAIL)
    store = open_store(url)
    for who in (ADA, EVE):
        store.people.seen(who)
        take_over(store, who.email, who)
    assert kept_by(store, ADA.owner) == FULL
    assert kept_by(store, EVE.owner) == EMPTY
    with pytest.raises(StoreError, match=r"2 people are called 'ada@example.org'. Name one of them as"):
        store.people.owner_of(MAIL)
    assert store.people.owner_of("666") == EVE.owner
    store.close()


def test_what_a_person_has_stays_and_the_rest_is_set_aside_whole(url):
    """Somebody signed in for a while without a verified address, and made things of the same names."""
    at_version_2(url, MAIL)
    store = open_store(url)
    store.experts.save(OwnExpert("mine", address="http://127.0.0.1:9/v1"), ADA.owner)
    store.outcomes.keep(ADA.owner, "onboarding", Collected("mine", "p1", 0.25))
    store.outcomes.keep(ADA.owner, "onboarding", Collected("other", "p1", 0.5))
    store.policies.save(captured(), ADA.owner)
    store.policies.save(replace(captured(), note="newer"), ADA.owner)
    store.routers.add(ADA.owner, name="Mine", folder="f" * 16, graph_sha256="def", measures={})
    store.routers.activate(ADA.owner, store.routers.all(ADA.owner)[0].id)
    store.adjustments.apply(Proposal({"a": 0.1}, 20, 10, 0.7, 0.6), ADA.owner)
    take_over(store, MAIL, ADA)
    assert store.experts.all(ADA.owner)[0].address == "http://127.0.0.1:9/v1"
    assert [(o.expert, o.score) for o in store.outcomes.all(ADA.owner, "onboarding")] == [
        ("mine", 0.25),
        ("other", 0.5),
    ]
    assert [v.version for v in store.policies.versions("Team default", ADA.owner)] == [2, 1]
    assert {(r.name, r.folder, r.is_active) for r in store.routers.all(ADA.owner)} == {
        ("Mine", "f" * 16, True),
        ("Mine (2)", "0123456789abcdef", False),
    }
    assert [(a.proposal.shifts, a.is_active) for a in store.adjustments.all(ADA.owner) if a.is_active] == [
        ({"a": 0.1}, True)
    ]
    assert store.runs.count(ADA.owner) == 1
    (aside,) = store.people.others({ADA.owner})
    assert kept_by(store, aside) == (0, 1, 2, 0, 1, None, {})
    store.close()


def test_folders_of_the_same_name_go_aside(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path / 't.db'}")
    for owner, said in ((MAIL, "old"), (ADA.owner, "new")):
        (places.home(owner) / places.UPLOAD).mkdir(parents=True)
        (places.home(owner) / places.UPLOAD / "about.json").write_text(said)
    (places.home(MAIL) / ("a" * 16)).mkdir()
    take_over(store, MAIL, ADA)
    assert (places.home(ADA.owner) / places.UPLOAD / "about.json").read_text() == "new"
    assert (places.home(ADA.owner) / ("a" * 16)).is_dir()
    assert not places.home(MAIL).exists()
    assert len(list(places.root().glob("*/upload/about.json"))) == 2
    store.close()


def test_nothing_moves_under_a_training_that_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    url = f"sqlite:///{tmp_path / 't.db'}"
    at_version_2(url, MAIL)
    store = open_store(url)
    job = places.home(MAIL) / places.JOB
    job.mkdir(parents=True)
    lock = locks.take(job / state.LOCK_FILE)
    assert take_over(store, MAIL, ADA) == 0
    assert kept_by(store, ADA.owner) == EMPTY
    assert job.is_dir()
    lock.close()
    assert take_over(store, MAIL, ADA) == 8
    store.close()


def test_cut_off_between_folder_and_rows_the_next_sign_in_does_the_rest(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    url = f"sqlite:///{tmp_path / 't.db'}"
    at_version_2(url, MAIL)
    store = open_store(url)
    places.home(MAIL).mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(store.people, "give", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            take_over(store, MAIL, ADA)
    assert not places.home(MAIL).exists()
    assert take_over(store, MAIL, ADA) == 8
    store.close()


def test_an_owner_is_no_address_and_two_people_are_never_one():
    pairs = [("a", 'b", "c'), ('a", "b', "c"), ("a", "b"), ("a b", ""), ("", "a b"), ("é", "é")]
    owners = {Person(*pair).owner for pair in pairs}
    assert len(owners) == len(pairs)
    assert all(json.loads(one) for one in owners)
    assert not owners & {ADA.aside(), MAIL, ""}


def test_no_owned_table_is_forgotten():
    names = {"run", "spend", "adjustment", "own_expert", "probe_outcome", "own_router", "policy"}
    assert {table.name for table in owned()} == names


def test_the_command_line_lists_people_and_gives(store, tmp_path):
    assert run("people").stdout == ""
    store.people.seen(replace(ADA, email=""))  # a provider that verifies no addresses
    run_id = store.runs.begin(RUN, Place(MAIL, "b"))
    store.runs.keep(run_id, answer())
    assert run("people").stdout.splitlines() == [
        f"{ADA.owner}  no verified e-mail  0 rows",
        f"{MAIL}  never signed in  1 rows",
    ]
    done = run("people", "--give", MAIL, "--to", "248289")
    assert done.stderr == f"1 rows of '{MAIL}' are kept for {ADA.owner} now.\n"
    assert store.runs.open(run_id, ADA.owner).id == run_id


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("people", "--give", MAIL), "Give both --give NAME and --to PERSON"),
        (("people", "--give", MAIL, "--to", "nobody"), "Nobody called 'nobody' has signed in. Those who have: ada@"),
        (("people", "--give", "", "--to", MAIL), "--give is empty"),
        (("experts", "--owner", "eve@example.org"), "Nobody called 'eve@example.org' has signed in"),
    ],
)
def test_what_cannot_be_given_is_one_sentence(store, arguments, says):
    store.people.seen(ADA)
    done = run(*arguments)
    assert done.returncode != 0
    assert says in done.stderr


def test_own_experts_on_the_command_line_are_the_persons(store):
    store.people.seen(ADA)
    store.experts.save(OwnExpert("mine", address="http://127.0.0.1:9/v1"), ADA.owner)
    for name in (MAIL, "248289", ADA.owner):
        assert run("experts", "--owner", name).stdout.startswith("mine  added")
    assert run("experts").stdout == ""
