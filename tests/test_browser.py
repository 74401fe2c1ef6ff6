"""The main journeys, in a real browser, without any key."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import lead, serve, type_prompt, visit, window

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
MATHS = "How many ways are there to seat five people round a table?"


@pytest.fixture(scope="module")
def address():
    with serve() as found:
        yield found


def move_slider(page, label, presses, key="ArrowRight"):
    page.get_by_role("slider", name=label).focus()
    for _ in range(presses):
        page.keyboard.press(key)


def test_moving_a_slider_changes_the_pick(page, address):
    visit(page, address)
    type_prompt(page, MATHS)
    before = lead(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    move_slider(page, "Cost", 14)
    expect(page.locator("p.lead")).not_to_have_text(before)
    assert "predicted score" in lead(page)


def test_breaking_a_limit_shows_the_reason(page, address):
    visit(page, address)
    type_prompt(page, MATHS)
    lead(page)
    page.get_by_role("tab", name="Limits").click()
    move_slider(page, re.compile("Most cost"), 20, "ArrowLeft")
    expect(page.locator(".js-plotly-plot").first).to_contain_text("Not feasible")
    type_prompt(page, MATHS + " [Flag: max cost $0, max age 1 day]")
    expect(page.locator("p.lead")).to_have_text("No expert keeps every limit.")
    expect(page.get_by_text("Lift or loosen a limit")).to_be_visible()


def test_the_stated_flip_flips_when_applied(page, address):
    visit(page, address)
    type_prompt(page, MATHS)
    before = lead(page)
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("p.lead")).not_to_have_text(before)


def test_a_link_opened_cold_shows_its_page_and_state(page, address):
    visit(page, f"{address}/front?pool=frontier4&weight_cost=0.1")
    expect(page.locator("h3").first).to_have_text("What do I give up as a weight moves?")
    expect(page.get_by_role("spinbutton")).to_have_value("0.1")
    expect(page.get_by_text(re.compile("4 experts, measured scores"))).to_be_visible()


@pytest.mark.parametrize("path", ["compare?pool=frontier4", "experts"])
def test_a_deep_link_is_found_on_a_cold_server(page, path):
    with serve() as cold:
        visit(page, f"{cold}/{path}")
        page.wait_for_timeout(1000)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("h3").first).not_to_have_text("Which expert should answer this prompt?")


def test_a_share_link_restores_what_was_shared(page, browser, address):
    visit(page, address)
    type_prompt(page, MATHS)
    move_slider(page, "Cost", 14)
    page.get_by_role("button", name="Share").click()
    page.get_by_text("Include the prompt").click()
    code = page.locator("[data-testid=stPopoverBody] code")
    expect(code).to_contain_text("weight_cost=10.0")
    expect(code).to_contain_text("prompt=")
    shared = lead(page)
    link = code.inner_text().strip()
    other = window(browser)
    visit(other, link)
    assert lead(other) == shared
    other.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1360])
def test_no_page_runs_off_the_side(browser, address, scheme, width):
    page = window(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    for path in ("", "compare", "front", "routers", "experts"):
        visit(page, f"{address}/{path}?prompt=What+is+the+capital+of+France")
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.close()
    assert asked - {None} == {urlsplit(address).hostname}, "nothing leaves the machine"
