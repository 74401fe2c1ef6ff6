"""What several tests share: where data lies, and a real browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page

from routing.store import Store, open_store
from tests.browser import open_browser, window

ROOT = Path(__file__).resolve().parent.parent
# How quick an example is says how busy the machine is. A commit passes or fails by the same examples everywhere;
# `pytest --hypothesis-profile search` looks for others.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test that waited in vain is run once more, and the summary says so; a wrong value fails at once.

    Browser, app and the other tests share few cores, and a click that meets a redraw is lost for good.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError", "Locator expected"]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a browser test that was run once more had waited for in vain."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"run once more: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whatever tests run is kept in a folder of theirs, never in the person's own history."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["XDG_DATA_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def outcome_data() -> Path:
    """The folder of open outcomes; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("THALAMUS_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "prompts.parquet").is_file():
        pytest.skip(f"no outcome data at {folder}: set THALAMUS_DATA to the folder that holds prompts.parquet")
    return folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The database of an app that keeps everything in a folder of this test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser for the tests of one file."""
    with open_browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own in the browser, as wide as a laptop's."""
    opened = window(browser, viewport={"width": 1360, "height": 1600})
    yield opened
    opened.context.close()
