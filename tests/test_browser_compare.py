"""Compare and History in a real browser: what a person does, and what is there after the app was killed."""

import re
import signal
import subprocess

import pytest
from playwright.sync_api import expect

from tests.browser import free_port, serve, visit
from tests.compare_page import ask, home, prepare
from tests.loopback import Loopback

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
MATHS = "How many ways are there to seat five people round a table?"
EXPERTS = ("gpt-4o-mini", "o3-mini")


@pytest.fixture(scope="module")
def server():
    with Loopback() as found:
        yield found


@pytest.fixture
def place(server, tmp_path):
    """An environment with both experts behind the loopback server, and a history of its own."""
    server.manners.clear()
    return home(tmp_path, dict.fromkeys(EXPERTS, server.url))


@pytest.fixture
def address(place):
    with serve(environ=place) as found:
        yield found


def answered(page, n=2):
    expect(page.locator("table.facts")).to_have_count(n)


def test_two_answers_a_blind_vote_a_second_turn_and_the_history(page, address, server):
    prepare(page, address, EXPERTS, MATHS)
    page.get_by_text("Blind", exact=True).click()
    ask(page)
    expect(page.get_by_text("Which is best?")).to_be_visible()
    expect(page.locator("table.facts")).to_have_count(0)
    expect(page.get_by_text("Answer A", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Answer A").click()
    answered(page)
    expect(page.get_by_text("Names were hidden until this vote")).to_be_visible()
    page.get_by_label("Continue the conversation").fill("And six?")
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.get_by_text("Turn 2:")).to_be_visible()
    expect(page.get_by_text("Which is best?")).to_be_visible()
    page.get_by_role("link", name="History").click()
    page.get_by_role("button", name=MATHS).click()
    answered(page)
    expect(page.get_by_text(re.compile("You voted for"))).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("Ask to see what changed")).to_be_visible()
    ask(page)
    page.get_by_role("button", name="Tie").click()
    expect(page.get_by_role("tab", name="What changed")).to_be_visible()
    expect(page.get_by_text(re.compile("100.% of the characters are the same"))).to_be_visible()


def test_a_failing_expert_is_asked_again_and_a_stuck_one_is_stopped(page, address, server):
    server.manners.update({"gpt-4o-mini": "status-401", "o3-mini": "stuck"})
    prepare(page, address, EXPERTS, MATHS)
    ask(page)
    expect(page.get_by_text("refused the key for")).to_be_visible()
    expect(page.get_by_text("I am", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped; this is a part")).to_be_visible()
    server.manners.clear()
    for place in (0, 1):
        # The page draws itself anew when the last answer ends; a click in that very moment counts too.
        expect(page.get_by_role("button", name="Retry")).to_have_count(2)
        page.get_by_role("button", name="Retry").nth(place).click()
    answered(page)
    for name in ("gpt-4o-mini", "o3-mini"):
        expect(page.get_by_text(f"I am {name}")).to_be_visible()
    expect(page.get_by_text("Stopped; this is a part")).to_have_count(0)


def test_the_budget_refuses(page, tmp_path):
    with serve(environ={"XDG_DATA_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-none"}) as address:
        visit(page, f"{address}/compare?pool={','.join(EXPERTS)}&prompt=Name+three+colours")
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        page.get_by_role("button", name=re.compile(r"\$1.00 left")).click()
        expect(page.get_by_text("Nothing spent yet")).to_be_visible()
        box = page.locator("[data-testid=stPopoverBody] input")
        box.fill("0")
        box.press("Enter")
        expect(page.get_by_role("button", name=re.compile(r"\$0.00 left"))).to_be_visible()
        page.keyboard.press("Escape")
        ask(page)
        expect(page.get_by_text(re.compile("These calls may cost .* is left"))).to_be_visible()
        expect(page.locator("table.facts")).to_have_count(0)


def test_after_kill_9_the_finished_answer_is_there_and_the_run_is_marked(page, server, place):
    server.manners["o3-mini"] = "stuck"
    port = free_port()
    with serve(port=port, environ=place) as address:
        prepare(page, address, EXPERTS, MATHS)
        ask(page)
        answered(page, 1)
        found = subprocess.run(["pgrep", "-f", f"server.port {port}"], capture_output=True, text=True, check=True)
        for pid in found.stdout.split():
            subprocess.run(["kill", f"-{signal.SIGKILL.value}", pid], check=False)
    with serve(environ=place) as address:
        visit(page, f"{address}/history")
        expect(page.get_by_text("interrupted")).to_be_visible()
        page.get_by_role("button", name=MATHS).click()
        expect(page.get_by_text("Missing: o3-mini")).to_be_visible()
        expect(page.get_by_text("I am gpt-4o-mini")).to_be_visible()
