"""What a newcomer does on Onboard in a real browser, for tests and benchmarks: add the expert on this machine."""

import re

from playwright.sync_api import Page, expect

PROBING_MS = 600_000


def add_and_probe(page: Page, name: str) -> None:
    """From the open page to a probed expert: add it under a name, ask 30 probes, stop on the way, go on to the end."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Ask 30 probes").click()
    expect(page.get_by_text(re.compile(r"^([4-9]|1\d) of 30 probes answered"))).to_be_visible(timeout=PROBING_MS)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile(r"^from \d+ probes"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Go on with")).click()
    expect(page.get_by_text(re.compile("^from 30 probes,")).first).to_be_visible(timeout=PROBING_MS)
