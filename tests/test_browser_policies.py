"""Policy files in a real browser: saved, changed, compared, and there again after a restart."""

import pytest
from playwright.sync_api import expect

from tests.browser import lead, pick, serve, type_prompt, visit
from tests.test_browser import MATHS, move_slider

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def go(page, name):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h3").first).to_contain_text("?")


def save(page):
    page.get_by_role("button", name="Save version").click()


def test_save_change_save_compare_restart_load(page, tmp_path):
    environ = {"XDG_DATA_HOME": str(tmp_path)}
    with serve(environ=environ) as address:
        visit(page, f"{address}/?pool=frontier4")
        type_prompt(page, MATHS)
        before = lead(page)
        go(page, "Policies")
        page.get_by_label("Name", exact=True).fill("Team default")
        page.get_by_label("Name", exact=True).press("Enter")
        save(page)
        expect(page.get_by_text("Saved as version 1")).to_be_visible()
        expect(page.get_by_text("Both say the same")).to_be_visible()
        go(page, "Route")
        move_slider(page, "Cost", 14)
        expect(page.locator("p.lead")).not_to_have_text(before)
        go(page, "Policies")
        expect(page.get_by_text("Prompts with another pick")).to_be_visible()
        save(page)
        expect(page.get_by_text("Saved as version 2")).to_be_visible()
    with serve(environ=environ) as address:
        visit(page, f"{address}/policies")
        expect(page.get_by_text("Kept policy files")).to_be_visible()
        pick(page, page.get_by_role("combobox", name="Version"), "1, ")
        page.get_by_role("button", name="Load", exact=True).click()
        expect(page.get_by_text("Route now has the settings of Team default")).to_be_visible()
        go(page, "Route")
        type_prompt(page, MATHS)
        assert lead(page) == before
