"""Onboard in a real browser: the local expert added from scratch, probed and routed to."""

import re

import pytest
from playwright.sync_api import expect

from routing.local import local_experts
from tests.browser import pick, serve, visit
from tests.onboard_page import add_and_probe

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_the_local_expert_is_added_probed_stopped_gone_on_with_and_routed_to(page, tmp_path):
    if not local_experts().is_installed("smollm2-135m"):
        pytest.skip("no weights are here: make setup")
    with serve(environ={"XDG_DATA_HOME": str(tmp_path)}) as address:
        visit(page, f"{address}/onboard")
        expect(page.get_by_text("was left out in turn")).to_be_visible()
        add_and_probe(page, "my-smollm")
        expect(page.get_by_role("heading", name="Where my-smollm stands")).to_be_visible()
        page.get_by_role("tab", name="By published figures").click()
        page.get_by_role("textbox", name="Results, one benchmark a line").fill("GSM8K 3 %\nMMLU-Pro 0.11")
        page.get_by_role("button", name="Use these figures").click()
        expect(page.get_by_text(re.compile("^from 30 probes and published figures")).first).to_be_visible()
        page.get_by_role("link", name="Route a prompt with it").click()
        expect(page.locator("h3").first).to_be_visible()
        visit(page, f"{address}/onboard")
        pick(page, page.get_by_role("combobox", name=re.compile("Expert")).first, "my-smollm")
        expect(page.get_by_text(re.compile("^from 30 probes and published figures")).first).to_be_visible()
