"""From a table of outcomes to a router in force and back, in a real browser, on files that the test makes."""

import io
import json
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser import lead, pick, serve, type_prompt, visit

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
EXPERTS = ("gpt-4o-mini", "gemini-1.5-pro", "our own llama")
TRAINING_MS = 300_000


def log(count=320):
    """Ratings of three experts on two kinds of prompt, one good at each kind, and one that the catalogue lacks."""
    rng = np.random.default_rng(0)
    words = [a + b + c for a in "bdfklmnprst" for b in "aeio" for c in "knt"]
    rows = []
    for i in range(count):
        kind = i % 2
        text = f"{('Add the numbers', 'Translate the sentence')[kind]} {' '.join(rng.choice(words, 6))}"
        for expert, chance in zip(EXPERTS, ((0.95, 0.2)[kind], (0.2, 0.95)[kind], 0.5), strict=True):
            rows.append(
                (text, expert, int(rng.choice([5, 4])) if rng.random() < chance else int(rng.choice([1, 2])), 100 + i)
            )
    return pd.DataFrame(rows, columns=["Question", "Model", "Stars", "Completion tokens"])


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve(environ={"XDG_DATA_HOME": str(tmp_path_factory.mktemp("train"))}) as found:
        yield found


def upload(page, name, content):
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def alerts(page):
    return page.get_by_test_id("stAlert")


def test_a_team_trains_judges_and_uses_its_own_router(page, address, tmp_path):
    visit(page, f"{address}/train")
    upload(page, "log.csv", b"prompt,score\nhello,\x00\n")
    expect(alerts(page).first).to_contain_text("NUL byte")
    upload(page, "ratings.csv", log().to_csv(index=False).encode())
    expect(page.get_by_text("ratings.csv: 960 rows, 4 columns")).to_be_visible()
    expect(page.get_by_text("They look like 1 to 5 stars.")).to_be_visible()
    pick(page, page.get_by_role("combobox", name="Scores run from"), "1 to 5 stars")
    page.get_by_role("button", name="Check the table").click()
    expect(page.get_by_text("Every row can be used.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Team router")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="Training Team router")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Training Team router")).to_be_visible()
    expect(page.get_by_role("heading", name="Trained: Team router")).to_be_visible(timeout=TRAINING_MS)
    expect(alerts(page).first).to_contain_text("Routing pays on your data")
    page.get_by_role("button", name="Use this router").click()
    expect(page.get_by_text("In force: Team router")).to_be_visible()
    uses_it(page, address)
    exported(page, address, tmp_path)
    page.locator(".st-key-router_back_new button").click()
    expect(page.get_by_text("In force: the shipped router")).to_be_visible()


def uses_it(page, address):
    """Every page asks the router in force: only its experts stand to choice."""
    page.get_by_role("link", name="Route", exact=True).click()
    expect(page.locator("h3").first).to_have_text("Which expert should answer this prompt?")
    type_prompt(page, "Translate the sentence bat kon fik")
    assert "Gemini 1.5 Pro" in lead(page)
    expect(page.get_by_text(re.compile("our-own-llama")).first).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_text("In force: Team router")).to_be_visible()


def exported(page, address, tmp_path):
    """The router taken away; brought in again it is kept, and refused once its card does not match its graph."""
    with page.expect_download() as taken:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name="Download").first.click()
    whole = open(taken.value.path(), "rb").read()  # noqa: PTH123, SIM115
    page.get_by_text("Bring a router in").click()
    given = page.locator("input[type=file]").last
    given.set_input_files({"name": "changed.zip", "mimeType": "application/zip", "buffer": with_other_card(whole)})
    expect(page.get_by_text(re.compile("router.onnx has SHA-256 .* where the router card states"))).to_be_visible()
    given.set_input_files({"name": "same.zip", "mimeType": "application/zip", "buffer": whole})
    expect(page.get_by_text("Team router is kept; it predicts 3 experts.")).to_be_visible()


def with_other_card(whole):
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(into, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "router_card.json":
                content = json.dumps({**json.loads(content), "graph_sha256": "0" * 64}).encode()
            new.writestr(name, content)
    return into.getvalue()
