"""A key typed in a real browser, and everything that is left of a whole journey with it: it must be in nothing."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import drawn, pick, serve, type_prompt, visit, window
from tests.compare_page import ask, card, choose
from tests.loopback import Loopback

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PROMPT = "How many ways are there to seat five people round a table?"
MARK = "zq7mark"
OWN, SHORT, PROVIDER = f"sk-{MARK}-own-0123456789abcdef", f"pw-{MARK}", f"sk-{MARK}-provider-0123456789"
WELL, TELLING = "gpt-4o-mini", "o3-mini"


@pytest.fixture(scope="module")
def server():
    with Loopback({TELLING: "telling-key"}) as found:
        yield found


def own_address(page, title, url, key):
    pick(page, page.get_by_role("combobox", name=re.compile("Own address for")), title, exact=True)
    page.get_by_label("OpenAI-compatible address").fill(url)
    page.get_by_label("Its key, if it needs one").fill(key)
    page.get_by_role("button", name="Use this address").click()
    expect(page.get_by_text(re.compile("Own address for .*http")).last).to_be_visible()
    expect(page.get_by_label("OpenAI-compatible address")).to_have_value("")


def provider_key(page, key):
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_text(re.compile("Key set for"))).to_have_count(3)


def downloaded(page, name, folder):
    with page.expect_download() as found:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / found.value.suggested_filename
    found.value.save_as(path)
    return path.read_text(encoding="utf-8")


class Seen:
    """Everything that the browser showed or kept."""

    def __init__(self, page):
        self.page, self.parts = page, {}

    def look(self, where):
        page = self.page
        drawn(page)
        self.parts[where] = page.content() + page.url + page.title()
        kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        self.parts[f"{where}, kept"] = page.evaluate(kept)


def journey(page, address, server, folder):
    """Compare with typed keys, share, reload, open the run in History, take it away; returns what was seen."""
    seen = Seen(page)
    visit(page, f"{address}/compare?pool={WELL},{TELLING}")
    type_prompt(page, PROMPT)
    page.get_by_text("Keys and own addresses").click()
    own_address(page, "GPT-4o mini", server.url, OWN)
    own_address(page, "o3-mini", server.url, SHORT)
    provider_key(page, PROVIDER)
    choose(page, (WELL, TELLING))
    page.locator("[class*=st-key-unknown_][data-stale=false]").get_by_text("Ask at an unknown price").click()
    ask(page)
    expect(card(page, WELL)).to_contain_text(f"I am {WELL}")
    expect(card(page, TELLING).get_by_role("alert")).to_contain_text("refused the request")
    expect(card(page, TELLING).get_by_role("alert")).to_contain_text("***")
    seen.look("answers")
    page.get_by_text("Pool, weights and limits").click()
    page.get_by_role("button", name="Share").click()
    page.get_by_text("Include the prompt").click()
    expect(page.get_by_test_id("stCode").filter(has_text="prompt=How")).to_be_visible()
    seen.look("share link")
    page.reload()
    expect(page.locator("h3").first).to_be_visible()
    expect(page.get_by_text(re.compile("Key set for"))).to_have_count(0)
    seen.look("after a reload")
    page.get_by_role("link", name="History").click()
    page.get_by_role("button", name=PROMPT).click()
    expect(page.get_by_text(f"I am {WELL}")).to_be_visible()
    seen.look("History")
    seen.parts |= {name: downloaded(page, name, folder) for name in ("CSV", "JSONL")}
    return seen.parts


def test_a_typed_key_is_used_and_then_in_nothing(browser, server, tmp_path):
    log, downloads = tmp_path / "app.log", tmp_path / "downloads"
    downloads.mkdir()
    page = window(browser, viewport={"width": 1360, "height": 1600}, accept_downloads=True)
    said = []
    page.on("console", lambda message: said.append(message.text))
    with serve(environ={"XDG_DATA_HOME": str(tmp_path / "data")}, log=log) as address:
        parts = journey(page, address, server, downloads)
        parts["console"], parts["cookies"] = "\n".join(said), repr(page.context.cookies())
        # While the app runs, what was written last is in the write-ahead log.
        files = {p.name: p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file()}
    page.context.close()
    assert {r["key"] for r in server.requests} == {f"Bearer {OWN}", f"Bearer {SHORT}"}, "both keys were used"
    assert {"thalamus.db", "thalamus.db-wal"} <= set(files)
    assert "I am gpt-4o-mini" in parts["JSONL"]
    left = parts | {p.name: p.read_text("utf-8", "replace") for p in tmp_path.rglob("*") if p.suffix == ".log"}
    left |= {name: data.decode("utf-8", "replace") for name, data in files.items()}
    left |= {f"{p.name}, closed": p.read_text("utf-8", "replace") for p in Path(tmp_path, "data").rglob("*.db*")}
    assert "refused the request" in left["thalamus.db-wal"] + left["thalamus.db"]
    for where, text in left.items():
        assert MARK not in text, where
