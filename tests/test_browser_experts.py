"""Own experts in a real browser: added, seen elsewhere, hidden, and still so after the app was killed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pick, serve, tick_row, type_prompt, visit

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
MATHS = "How many ways are there to seat five people round a table?"


def add_from_list(page: Page, address: str) -> None:
    visit(page, f"{address}/experts")
    page.get_by_role("button", name="Add an expert").click()
    search = page.get_by_label("Start from a listed one")
    search.fill("azure gpt-4o-mini")
    search.press("Enter")
    page.locator(".st-key-start_results button").first.click()
    page.get_by_label("Name", exact=True).fill("house-mini")
    page.get_by_label("Title for people").fill("House mini")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("no predictions yet", exact=True)).to_be_visible()
    expect(page.get_by_text("house-mini", exact=True)).to_be_visible()


def choose_own_pool(page: Page) -> list[str]:
    """The experts that can be chosen for a pool of one's own."""
    pick(page, page.get_by_label("Pool", exact=True), "My choice")
    page.get_by_label("Experts", exact=True).click()
    page.get_by_label("Experts", exact=True).fill("House")
    return page.get_by_role("option").all_inner_texts()


def test_an_expert_is_added_seen_on_route_hidden_and_outlives_a_kill(page, tmp_path):
    place = {"XDG_DATA_HOME": str(tmp_path)}
    with serve(environ=place, kill=True) as address:
        add_from_list(page, address)
        visit(page, address)
        type_prompt(page, MATHS)
        expect(page.locator("p.lead")).to_be_visible()
        expect(page.get_by_text(re.compile("No predicted score yet: House mini"))).to_be_visible()
        assert choose_own_pool(page) == ["House mini (no predictions yet)"]
    with serve(environ=place) as address:
        visit(page, f"{address}/experts")
        grid = page.get_by_test_id("stDataFrame").first
        expect(grid).to_be_visible()
        hide = page.get_by_role("button", name="Hide", exact=True)
        tick_row(page, grid, 0, until=hide)  # the first row is one's own
        hide.click()
        expect(page.get_by_role("button", name="Show again")).to_be_visible()
        visit(page, address)
        type_prompt(page, MATHS)
        expect(page.locator("p.lead")).to_be_visible()
        expect(page.get_by_text(re.compile("House mini"))).to_have_count(0)
        assert choose_own_pool(page) in ([], ["No results"])
