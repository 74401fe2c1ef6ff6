"""The fault lab: every way in which a call fails, as a person sees it, caused by a server and by nothing in the app."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import free_port, serve
from tests.compare_page import ask, card, home, prepare
from tests.loopback import Loopback

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
WELL = "gpt-4o-mini"
OTHERS = ("o3-mini", "gpt-4o-2024-08-06", "gpt-3.5-turbo-0125", "o4-mini", "o1-mini")
REFUSED = "gpt-4-turbo-2024-04-09"


@pytest.fixture(scope="module")
def server():
    with Loopback() as found:
        yield found


@pytest.fixture(scope="module")
def closed_port():
    return free_port()


@pytest.fixture(scope="module")
def address(server, closed_port, tmp_path_factory):
    addresses = dict.fromkeys((WELL, *OTHERS), server.url) | {REFUSED: f"http://127.0.0.1:{closed_port}/v1"}
    with serve(environ=home(tmp_path_factory.mktemp("faults"), addresses)) as found:
        yield found


@pytest.fixture(autouse=True)
def well_behaved(server):
    server.manners.clear()
    server.requests.clear()


def settings(page, **numbers):
    """Set numbers behind the button Settings."""
    page.get_by_role("button", name="Settings").click()
    for label, value in numbers.items():
        box = page.locator(f".st-key-compare_{label} input")
        box.fill(str(value))
        box.press("Enter")
    page.keyboard.press("Escape")


def is_said(page, expert, sentence, *, retries=0):
    column = card(page, expert)
    expect(column.get_by_role("alert")).to_contain_text(re.compile(sentence))
    expect(column).to_contain_text("1 retry" if retries == 1 else f"{retries} retries")


def is_well(page, server, expert=WELL, calls=1):
    """A column that answered, wholly and alone."""
    column = card(page, expert)
    expect(column).to_contain_text(f"I am {expert} and was asked")
    expect(column.locator("table.facts")).to_have_count(1)
    expect(column.get_by_role("alert")).to_have_count(0)
    assert sum(r["body"]["model"] == expert for r in server.requests) == calls


def retry(page, expert):
    card(page, expert).get_by_role("button", name="Retry").click()


def test_busy_broken_too_long_garbled_and_refused_each_fail_alone_and_answer_once_mended(
    page, address, server, closed_port
):
    busy, broken, long, garbled = OTHERS[:4]
    server.manners.update({busy: "status-429", broken: "status-500", long: "context", garbled: "malformed"})
    prepare(page, address, (WELL, busy, broken, long, garbled, REFUSED), "Name three colours")
    ask(page)
    is_said(page, busy, "accepts no more calls for o3-mini .* after 2 tries: wait a minute", retries=1)
    is_said(page, broken, "failed or broke off its answer after 2 tries .*: try again", retries=1)
    is_said(page, long, "Prompt and answer do not fit into the context of .*: shorten the prompt")
    is_said(page, garbled, "failed or broke off its answer .*: try again")
    expect(card(page, garbled)).to_contain_text("I am")
    expect(card(page, garbled)).to_contain_text("It broke off here; what arrived is kept, and incomplete")
    is_said(page, REFUSED, rf"could not be reached at 127.0.0.1:{closed_port} after 2 tries: check", retries=1)
    is_well(page, server)
    server.manners.clear()
    with Loopback(port=closed_port):
        for name in (busy, REFUSED, garbled):
            retry(page, name)
            expect(card(page, name)).to_contain_text(f"I am {name} and was asked")
            expect(card(page, name).get_by_role("alert")).to_have_count(0)
    is_said(page, broken, "failed or broke off", retries=1)
    is_well(page, server)


def test_wrong_key_unknown_name_silence_slowness_and_a_cut_line(page, address, server):
    key, name, silent, slow, dying = OTHERS
    server.manners.update({key: "status-401", name: "status-404", silent: "silent", slow: "slow", dying: "dying"})
    prepare(page, address, (WELL, *OTHERS), "Count from one to thirty: " + " ".join(map(str, range(1, 31))))
    settings(page, timeout=5)
    ask(page)
    expect(card(page, slow)).to_contain_text(f"I am {slow}")
    expect(card(page, slow).get_by_role("button", name="Stop")).to_be_visible()
    is_said(page, key, "refused the key for o3-mini .*: check it under Keys")
    assert "sk-loopback" not in page.content()
    is_said(page, name, "serves nothing under the name .*: it may be retired")
    is_said(page, dying, "failed or broke off its answer")
    expect(card(page, dying)).to_contain_text("what arrived is kept, and incomplete")
    is_well(page, server, slow)
    is_said(page, silent, "gave no complete answer within the 5 s allowed: raise the time limit")
    is_well(page, server)
    server.manners.clear()
    for one in (key, silent):
        retry(page, one)
        expect(card(page, one)).to_contain_text(f"I am {one} and was asked")
    is_well(page, server)


def test_a_fallback_takes_over_and_a_retry_after_the_mending_replaces_it(page, address, server):
    bad = OTHERS[0]
    server.manners[bad] = "status-500"
    prepare(page, address, (bad, WELL), "Name three rivers")
    page.locator(".st-key-compare_experts [data-tag]").filter(has_text="GPT-4o mini").get_by_role("button").click()
    page.get_by_role("button", name="Settings").click()
    page.get_by_text("Fallbacks", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile("If one fails before it wrote anything, GPT-4o mini"))).to_be_visible()
    confirm = page.locator("[class*=st-key-unknown_][data-stale=false]")
    expect(confirm).to_contain_text("GPT-4o mini")
    if not confirm.get_by_role("checkbox").is_checked():
        confirm.get_by_text("Ask at an unknown price").click()
    ask(page)
    column = card(page, WELL)
    expect(column).to_contain_text("I am gpt-4o-mini")
    expect(column).to_contain_text(re.compile("o3-mini failed first: .*after 2 tries"))
    server.manners.clear()
    retry(page, WELL)
    expect(card(page, bad)).to_contain_text("I am o3-mini")
    expect(page.get_by_text("failed first")).to_have_count(0)
