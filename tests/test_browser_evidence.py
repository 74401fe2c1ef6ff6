"""Evidence, other routers and coloured words, in a real browser."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser import lead, pick, type_prompt, visit
from tests.test_browser import address

__all__ = ["address"]
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
EVIDENCE = {
    "Cost and quality": "Quality against cost",
    "Calibration": "Does a predicted score mean what it says?",
    "Where prompts go": "Who gets the prompts?",
    "Held-out": "What is lost on tasks that were never seen?",
    "Controls and limits": "Do shuffled labels close no gap?",
    "Difficulty and skills": "What can each expert do?",
}


def test_the_evidence_is_opened_tab_by_tab_and_taken_away(page, address):
    visit(page, f"{address}/routers")
    charts = page.locator(".js-plotly-plot")
    expect(charts.first).to_be_visible()
    before = lead(page)
    pick(page, page.get_by_role("combobox", name="Pool"), "Strong and weak pair")
    expect(page.locator("p.lead")).not_to_have_text(before)
    for tab, heading in EVIDENCE.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(charts.first).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
    page.get_by_role("tab", name="Leaderboard").click()
    expect(page.get_by_role("heading", name="Every router on this pool")).to_be_visible()
    with page.expect_download() as taken:
        page.locator(".st-key-download_evidence_leaderboard button").click()
    table = pd.read_csv(taken.value.path())
    assert {"Router", "Mean score", "AIQ above mix", "Cost at 99 %"} <= set(table)
    assert len(table) > 20


def test_the_words_of_a_prompt_are_coloured_and_every_router_says_whom_it_picks(page, address):
    visit(page, address)
    type_prompt(page, "Prove that <b>2 + 2</b> is 4.")
    lead(page)
    page.get_by_role("tab", name="Token heat map").click()
    words = page.locator(".heat span")
    expect(words.filter(has_text="Prove")).to_be_visible()
    assert page.locator(".heat b").count() == 0
    tints = words.evaluate_all("all => all.map(w => getComputedStyle(w).backgroundColor)")
    assert len(set(tints)) > 2
    page.get_by_role("tab", name="Which router picks what").click()
    expect(page.get_by_text(re.compile(r"of \d+ routers pick"))).to_be_visible()
