"""Compare, run as Streamlit runs it: asking, money, votes, checks, judges and what is kept of them."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from routing.store import open_store
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
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture
def app(store, server):
    """Compare with a prompt, and two experts behind the loopback server."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_area(key="prompt").set_value(MATHS).run()
    app.session_state["session_addresses"] = dict.fromkeys([*TWO, "status-500"], server.url)
    app.switch_page("pages/ask/compare.py").run().run()
    return app


def choose(app, names):
    app.multiselect(key="compare_experts").set_value(list(names)).run()
    for box in app.checkbox:
        if box.label.startswith("Ask at an unknown price"):
            box.check().run()


def ask(app, names=TWO):
    choose(app, names)
    app.button(key="compare_ask").click().run()
    wait(app)


def wait(app):
    app.session_state["turns"][-1].comparison.wait(60)
    app.run()
    assert not app.exception


def test_two_answers_are_shown_and_kept(app, store):
    ask(app)
    assert "I am gpt-4o-mini" in words(app)
    assert "Asked GPT-4o mini · routed" in words(app)
    (kept,) = store.runs.all("")
    assert kept.is_finished
    assert {a.answer.expert for a in kept.answers} == set(TWO)
    assert kept.run.predicted["o3-mini"]["score"] is not None
    assert kept.run.settings["max_tokens"] == 512
