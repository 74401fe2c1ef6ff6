"""Many people at once: browser sessions that compare, a newcomer, an app that is killed, memory over comparisons.

    python -m tests.benchmarks.sessions [--sessions 20] [--kills 25] [--comparisons 200]

The experts stand behind the tests' loopback server, in a process of its own, which notes how soon it sent first words.
"""

import argparse
import json
import signal
import sqlite3
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime
from multiprocessing import Process, Queue
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as BrowserError

from routing.answer import same_request
from routing.answer.client import Settings
from routing.catalog import load_catalog
from routing.commands.report import machine
from routing.comparison import Comparison
from routing.evidence_tables import replaced
from routing.keys import KeyRing
from routing.recording import RunRecorder
from routing.store import NewRun, Place, open_store
from tests import compare_page
from tests.benchmarks.run import README
from tests.browser import chromium, open_browser, serve, visit
from tests.loopback import Loopback
from tests.onboard_page import add_and_probe

EXPERTS = ("gpt-4o-mini", "gpt-4o-2024-08-06", "claude-3.5-sonnet-20240620", "o1-mini")
UNTIL_CLICK_S = 15
Row = tuple[str, str, str]


def _serve_experts(queue: "Queue[str]", manner: str) -> None:
    with Loopback(dict.fromkeys((_served(name) for name in EXPERTS), manner)) as server:
        queue.put(server.url)
        signal.pause()


@contextmanager
def experts(manner: str = "normal") -> Iterator[str]:
    """The loopback server in a process of its own, answering in a manner of its own; yields its address."""
    queue: Queue[str] = Queue()
    process = Process(target=_serve_experts, args=(queue, manner), daemon=True)
    process.start()
    try:
        yield queue.get(timeout=30)
    finally:
        process.kill()
        process.join()


def _served(name: str) -> str:
    """Under which name an own address is called."""
    return (load_catalog()[name].litellm or name).rsplit("/", 1)[-1]


@contextmanager
def home(address: str) -> Iterator[dict[str, str]]:
    """An environment whose secrets put every expert behind the loopback server, and whose data folder is empty."""
    with tempfile.TemporaryDirectory() as folder:
        yield compare_page.home(Path(folder), dict.fromkeys(EXPERTS, address))


def ask(page: Page, address: str, marker: str) -> None:
    """Open Compare on the four experts and ask with a marker of this session."""
    compare_page.prepare(page, address, EXPERTS, f"Repeat the word {marker}")
    compare_page.ask(page)


def database(environ: dict[str, str]) -> Path:
    """The SQLite file of a home."""
    return Path(environ["XDG_DATA_HOME"], "thalamus", "thalamus.db")


def many_sessions(browser: Browser, count: int) -> list[Row]:
    """Sessions at once: errors, answers in the wrong place, and what the app adds to the time to the first token."""
    with experts() as url, home(url) as environ, serve(environ=environ) as address:
        pages = [browser.new_context().new_page() for _ in range(count)]
        for i, page in enumerate(pages):
            compare_page.prepare(page, address, EXPERTS, f"Repeat the word {_marker(i)}")
        _click_together(pages)
        for page in pages:
            expect(page.locator("table.facts")).to_have_count(len(EXPERTS))
        shown = [page.locator(".st-key-answers").inner_text() for page in pages]
        own = json.loads(urllib.request.urlopen(f"{url}/first-words", timeout=10).read())["data"]  # noqa: S310
        with closing(sqlite3.connect(database(environ))) as kept:
            rows = kept.execute(
                "select run.prompt, answer.expert, answer.text, answer.error, answer.time_to_first_token_s "
                "from answer join run on run.id = answer.run_id"
            ).fetchall()
            began = [datetime.fromisoformat(at) for (at,) in kept.execute("select created from run")]
        for page in pages:
            page.context.close()
    errors = sum(error is not None for *_, error, _ in rows)
    mixed = sum(prompt not in text for prompt, _, text, *_ in rows)
    mixed += sum(text.count(_marker(i)) < len(EXPERTS) for i, text in enumerate(shown))
    added = (np.percentile([row[4] for row in rows if row[4]], 95) - np.percentile(own, 95)) * 1e3
    return [
        (
            f"{count} browser sessions comparing {len(EXPERTS)} experts each",
            f"{errors} errors, {mixed} mixed up",
            f"{len(rows)} answers kept; all begun within {(max(began) - min(began)).total_seconds():.1f} s",
        ),
        (
            "Time to first token in the app above the server's own, p95",
            f"{added:.0f} ms",
            f"server's own {np.percentile(own, 95) * 1e3:.0f} ms",
        ),
    ]


def _click_together(pages: Sequence[Page]) -> None:
    """Have every page click Ask at the same moment of the machine's clock."""
    buttons = [page.locator(compare_page.ASK) for page in pages]
    for button in buttons:
        expect(button).to_be_enabled()
    moment_ms = (time.time() + UNTIL_CLICK_S) * 1e3
    for button in buttons:
        button.evaluate("(button, moment) => void setTimeout(() => button.click(), moment - Date.now())", moment_ms)


def _marker(i: int) -> str:
    return f"marker{i:03d}end"


def kills(browser: Browser, count: int) -> list[Row]:
    """kill -9 at random moments: what the page showed as complete must be kept, and the database be whole."""
    rng = np.random.default_rng(7)
    whole: list[bool] = []
    with experts("slow") as url, home(url) as environ:
        for i in range(count):
            page, seen = browser.new_context().new_page(), None
            with serve(environ=environ, kill=True) as address, suppress(AssertionError, BrowserError):
                ask(page, address, _marker(i))
                page.wait_for_timeout(float(rng.uniform(0, 3000)))
                seen = page.locator("table.facts").count()
            page.context.close()
            if seen is not None:
                whole.append(_is_whole(database(environ), _marker(i), seen))
            print(f"kill {i + 1}: {sum(whole)} of {len(whole)} whole, {i + 1 - len(whole)} never asked", flush=True)
        with serve(environ=environ) as address:
            page = browser.new_context().new_page()
            visit(page, f"{address}/history")
            expect(page.get_by_text("Repeat the word marker").first).to_be_visible()
    missed = count - len(whole)
    beside = f"{missed} more were killed before they could ask" if missed else ""
    figure = f"{sum(whole)} of {len(whole)}"
    return [("kill -9 during comparisons: every completed answer kept, database whole", figure, beside)]


def _is_whole(path: Path, marker: str, seen: int) -> bool:
    with closing(sqlite3.connect(path)) as kept:
        sound = kept.execute("pragma integrity_check").fetchone() == ("ok",)
        texts = kept.execute(
            "select answer.text from answer join run on run.id = answer.run_id where run.prompt like ?",
            (f"%{marker}%",),
        ).fetchall()
        orphans = kept.execute("select count(*) from answer where run_id not in (select id from run)").fetchone()[0]
    return sound and not orphans and len(texts) >= seen and all(marker in text for (text,) in texts)


def memory(count: int) -> list[Row]:
    """Resident memory over many comparisons in one process, recorded as in the app."""
    catalog = load_catalog()
    asked = [catalog[name] for name in EXPERTS]
    sizes = []
    with experts() as url, tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/t.db")
        ring = KeyRing(environ={}, endpoints=dict.fromkeys(EXPERTS, url))
        for i in range(count):
            run = NewRun(f"p{i}", "", "", 0, "blend", "", None, {}, {}, {}, EXPERTS, 1, is_blind=False)
            recorder = RunRecorder(store, store.runs.begin(run, Place("", "b")), {})
            Comparison(same_request(asked, f"p{i}", Settings()), ring, recorder=recorder).wait(60)
            sizes.append(_resident_mb())
        store.close()
    early, late = np.median(sizes[count // 4 : count // 4 + 10]), np.median(sizes[-10:])
    return [
        (f"Memory after {count} comparisons against after {count // 4}", f"{late / early:.3f} times", f"{late:.0f} MB")
    ]


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def newcomer(browser: Browser) -> list[Row]:
    """How long the expert on this machine takes from an empty form to 30 answered probes, clicks included."""
    with tempfile.TemporaryDirectory() as folder, serve(environ={"XDG_DATA_HOME": folder}) as address:
        page = browser.new_context().new_page()
        visit(page, f"{address}/onboard")
        expect(page.get_by_text("was left out in turn")).to_be_visible()
        began = time.monotonic()
        add_and_probe(page, "my-smollm")
        took = time.monotonic() - began
        page.context.close()
    return [("The expert on this machine, added from scratch and asked 30 probes", f"{took:.0f} s", "180 s promised")]


def measured(what: str, part: Callable[[], list[Row]]) -> list[Row]:
    """The rows of one part, printed as soon as they are there; a part that fails says so in a row of its own."""
    try:
        rows = part()
    except (AssertionError, BrowserError, OSError, RuntimeError, ValueError, sqlite3.Error) as problem:
        traceback.print_exc()
        rows = [(what, "not measured", f"failed: {type(problem).__name__}")]
    for row in rows:
        print(" | ".join(row), flush=True)
    return rows


def main() -> None:
    """Run what is asked for, print every row when it is measured, and put them all into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, usual in (("sessions", 20), ("kills", 25), ("comparisons", 200)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    wanted = parser.parse_args()
    with open_browser() as browser:
        sessions = measured("Many browser sessions", lambda: many_sessions(browser, wanted.sessions))
        added = measured("The expert on this machine, added from scratch", lambda: newcomer(browser))
        killed = measured("kill -9 during comparisons", lambda: kills(browser, wanted.kills))
    # The browser is closed by now, so that its memory cannot push out what is measured.
    rows = [*sessions, *added, *killed, *measured("Memory over many comparisons", lambda: memory(wanted.comparisons))]
    shell = Path(chromium() or "Playwright's Chromium").name
    stamp = f"Measured {date.today().isoformat()} by `make bench-sessions` on {machine()}, {shell} on the same machine."
    lines = [stamp, "", "| what | figure | beside it |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    README.write_text(replaced(README.read_text(encoding="utf-8"), "sessions", "\n".join(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
