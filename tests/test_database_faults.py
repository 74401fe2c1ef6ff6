"""A database that fails is one sentence where its contents would stand, and the rest of the app goes on."""

import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event
from streamlit.testing.v1 import AppTest

from pages.common import cached
from routing.comparison import Column
from routing.errors import StoreError
from routing.recording import begin, kept
from routing.store import Place, engine, open_store
from routing.store.engine import URL_NAME
from tests.asking import expert
from tests.loopback import Loopback
from tests.test_pages import ROOT, words
from tests.test_pages_compare import TWO, ask
from tests.test_store import RUN, answer

PROMPT = "How many ways are there to seat five people round a table?"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's, in its own threads


@pytest.fixture
def path(store, tmp_path, monkeypatch):
    """The file of a database that holds one run, closed."""
    run_id = store.runs.begin(RUN, Place("", "b"))
    store.runs.keep(run_id, answer())
    store.close()
    monkeypatch.setattr(engine, "WAIT_S", 0.2)
    return tmp_path / "thalamus" / "thalamus.db"


def newer(path):
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9001'")


def no_database(path):
    path.write_bytes(b"PK\x03\x04 a file that somebody put here" * 400)


def torn(path):
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


@contextmanager
def held(path, *, is_for_readers=True):
    """Another program holds the file, as a backup or a second tool might."""
    code = (
        "import sqlite3, sys\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "held.execute('PRAGMA locking_mode=' + sys.argv[2])\n"
        "held.execute('BEGIN EXCLUSIVE')\n"
        "held.execute('UPDATE run SET domain = domain')\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, path, "EXCLUSIVE" if is_for_readers else "NORMAL"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        yield
        other.kill()


@contextmanager
def full(path):
    """Every connection finds the disk full as soon as the file would grow."""

    def bound(connection, _):
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: no more than there are

    event.listen(Engine, "connect", bound)
    try:
        yield
    finally:
        event.remove(Engine, "connect", bound)


def opened(page):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_area(key="prompt").set_value(PROMPT).run()
    assert "predicted score" in words(app)
    app.switch_page(page).run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (newer, "a newer version of the app made its tables (9001; this one knows them up to"),
        (no_database, "its file is damaged; put a copy in its place, or move it away"),
        (torn, "its file is damaged; put a copy in its place, or move it away"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_on_history_and_routing_goes_on(path, harm, said):
    harm(path)
    assert said in words(opened("pages/evidence/history.py")).replace("\\", "")


def test_a_locked_database_is_said_waits_once_and_is_there_again(path):
    with held(path):
        app = opened("pages/evidence/history.py")
        assert "another program holds it locked; end that program" in words(app).replace("\\", "")
    cached._not_opened.clear()  # as after a quarter of a minute
    app.run()
    assert "Who wrote Faust?" in "\n".join(button.label for button in app.button)


def test_after_one_vain_wait_nobody_waits_long(path):
    store = open_store(f"sqlite:///{path}")
    waits = []
    with held(path, is_for_readers=False):
        for _ in range(3):
            said = pytest.raises(StoreError, match=r"The run could not be kept .*another program holds it locked")
            with said, kept("The run"):
                store.runs.begin(RUN, Place("", "b"))
            with store._engine.connect() as connection:
                waits.append(connection.exec_driver_sql("PRAGMA busy_timeout").scalar())
            assert store.runs.count("") == 1  # whoever only reads goes on
    assert waits == [100, 100, 100]
    assert store.runs.begin(RUN, Place("", "b"))
    store.close()


@contextmanager
def read_only(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_NAME, f"sqlite:///file:{path}?mode=ro&uri=true")
        yield


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (partial(held, is_for_readers=False), "another program holds it locked"),
        (read_only, "it may only be read"),
        (full, "the disk is full"),
    ],
)
def test_answers_are_shown_though_they_cannot_be_kept(path, fault, said):
    with Loopback() as server, fault(path):
        app = opened("pages/ask/compare.py")
        app.session_state["session_addresses"] = dict.fromkeys(TWO, server.url)
        app.session_state["budget"] = None
        app.text_area(key="prompt").set_value(PROMPT + " Say why." * 2_000).run()  # more than the file has room for
        ask(app)
        shown = words(app).replace("\\", "")
        assert "I am gpt-4o-mini" in shown
        assert said in shown
        assert "not kept" in shown or "could not be kept" in shown


def test_a_disk_that_fills_while_answers_come_loses_none_on_the_screen(path):
    with full(path):
        store = open_store(f"sqlite:///{path}")
        recorder = begin(store, RUN, Place("", "b"), {}, None)
        recorder.keep(Column("a #1", expert("a"), expert("a")), answer(text="x" * 5_000_000))
        assert recorder.problem == (
            "An answer could not be kept in the database: the disk is full; free some space (database or disk is full)."
        )
        store.close()


def test_no_folder_is_made_of_a_uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="its file cannot be opened"):
        open_store("sqlite:///file:nowhere/t.db?mode=ro&uri=true")
    assert not list(tmp_path.iterdir())


def test_two_apps_that_start_at_once_both_find_the_newest_tables(tmp_path):
    code = f"from routing.store import open_store; open_store('sqlite:///{tmp_path}/t.db').close()"
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=ROOT) for _ in range(3)]
    assert [one.communicate()[1].decode()[-300:] for one in both] == ["", "", ""]


def test_a_migration_that_is_killed_leaves_the_version_before(tmp_path):
    """It ends between two of its tables; the next start makes them all."""
    code = (
        "import os; from alembic.operations import Operations\n"
        "made = Operations.create_table\n"
        "def create(self, name, *a, **k):\n"
        "    result = made(self, name, *a, **k)\n"
        "    if name == 'probe_outcome': os.kill(os.getpid(), 9)\n"
        "    return result\n"
        "Operations.create_table = create\n"
        "import alembic.op; alembic.op.create_table = lambda *a, **k: create(alembic.op._proxy, *a, **k)\n"
        "from routing.store import open_store\n"
        f"open_store('sqlite:///{tmp_path}/t.db')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr[-300:]
    with sqlite3.connect(tmp_path / "t.db") as raw:
        assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'own_expert'").fetchone() == (0,)
    store = open_store(f"sqlite:///{tmp_path}/t.db")
    assert store.runs.count("") == 0
    store.close()
