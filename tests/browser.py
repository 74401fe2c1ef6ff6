"""A real browser on a real server: how tests start them, and the few things a person does."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parent.parent
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
]
PATIENCE_MS = 120_000  # of no cost where all is well, and a busy machine is slow
SETTLES_MS = 3_000
SENT_MS = 300  # until the page knows that it will be drawn anew: what is typed before that may be taken away again
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str | None:
    """Path of an installed Chromium, best without the windows that no test looks at; None if there is none."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            return path
    return None


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser; the test is skipped, with the reason, where there is none."""
    with sync_playwright() as playwright:
        path = chromium() or playwright.chromium.executable_path
        if not Path(path).is_file():
            pytest.skip("no Chromium is installed: sudo apt-get install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def window(browser: Browser, **options: Any) -> Page:
    """A window of its own, in which whatever is done waits until the page is drawn, as a person does.

    Streamlit draws a page anew after every action; a click into the middle of that may be lost. A page that draws
    itself again and again is not waited for longer than ``SETTLES_MS``. ``options`` are those of Playwright's
    ``new_context``.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    running = page.locator("[data-testid=stApp][data-test-script-state=running]")

    def settle(_: Locator) -> None:
        with suppress(PlaywrightTimeout):
            running.wait_for(state="detached", timeout=SETTLES_MS)

    page.add_locator_handler(running, settle, no_wait_after=True)
    return page


def free_port() -> int:
    """A port of loopback that is free right now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serve(
    *, port: int | None = None, environ: dict[str, str] | None = None, kill: bool = False, log: Path | None = None
) -> Iterator[str]:
    """The app on a port of its own, with no key in its environment; yields its address.

    ``kill`` ends it by kill -9; ``log`` is a file for everything that it says.
    """
    port = port or free_port()
    clean = {n: v for n, v in os.environ.items() if not n.endswith("_API_KEY")}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    said = None if log is None else log.open("wb")
    server = subprocess.Popen(
        command, cwd=ROOT, env={**clean, **(environ or {})}, stdout=said or subprocess.DEVNULL, stderr=said
    )
    try:
        _wait_until_healthy(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        if kill:
            server.kill()
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(15)
        server.kill()
        if said is not None:
            said.close()


def _wait_until_healthy(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1e3
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the app ended with code {server.returncode} before it answered")
        with suppress(URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"the app did not answer within {PATIENCE_MS / 1e3:g} seconds")


def visit(page: Page, address: str) -> None:
    """Open an address and wait for the page's question."""
    page.goto(address)
    expect(page.locator("h3").first).to_be_visible()


def drawn(page: Page) -> None:
    """Wait until the page is drawn."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def pick(page: Page, box: Locator, option: str, *, exact: bool = False) -> None:
    """Choose an option of a select box by its text, or by a part of it.

    A page that draws itself anew closes an open list; then the list is opened again, as a person would.
    """
    listed = page.get_by_role("option", name=option, exact=exact).first
    for patience_ms in (5_000, 10_000, PATIENCE_MS):
        drawn(page)
        box.click()
        if exact:
            box.fill(option)
        try:
            listed.click(timeout=patience_ms)
        except PlaywrightTimeout:
            page.keyboard.press("Escape")
        else:
            page.wait_for_timeout(SENT_MS)
            drawn(page)
            return
    raise AssertionError(f"no list offered the option {option!r}")


def tick_row(page: Page, table: Locator, row: int, *, until: Locator) -> None:
    """Tick a row of a table (0 is the first) at its left edge, until what the tick brings is there.

    A table is one drawing on a canvas: a click while it measures its columns meets nothing.
    """
    for _ in range(5):
        drawn(page)
        table.locator(".dvn-scroller").click(position={"x": 16, "y": 52 + 35 * row})
        with suppress(AssertionError):
            expect(until).to_be_visible(timeout=10_000)
            return
    raise AssertionError(f"a tick of row {row} did not bring {until}")


def type_prompt(page: Page, text: str) -> None:
    """Type a prompt and leave the field, as Streamlit sends text then; again where a redraw lost it."""
    box = page.get_by_label("Prompt", exact=True)
    for _ in range(3):
        drawn(page)
        box.fill(text)
        box.press("Control+Enter")
        page.wait_for_timeout(SENT_MS)
        drawn(page)
        if box.input_value() == text:
            return
    raise AssertionError(f"the prompt {text!r} did not stay in its field")


def lead(page: Page) -> str:
    """The sentence that names the pick."""
    line = page.locator("p.lead")
    expect(line).to_be_visible()
    return line.inner_text()
