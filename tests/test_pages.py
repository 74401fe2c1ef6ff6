"""Every page, run as Streamlit runs it: what a person sees, and what survives a change of page."""

from pathlib import Path
from urllib.parse import parse_qsl

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("pages/*/*.py") if p.parent.name != "common")
MATHS = "How many ways are there to seat five people round a table?"


@pytest.fixture
def app():
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def type_prompt(app, text):
    return app.text_area(key="prompt").set_value(text).run()


def words(app):
    """Everything on the page that a person can read as text."""
    parts = [e.value for kind in (app.markdown, app.caption, app.warning, app.info, app.error) for e in kind]
    parts += [e.proto.body for e in app.get("html")]
    return "\n".join(str(p) for p in parts)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_cold_and_again(app, page):
    app.switch_page(page).run().run()
    assert not app.exception, page
    assert "###" in words(app), "the page never ran"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_a_prompt(app, page):
    type_prompt(app, MATHS)
    app.switch_page(page).run().run()
    assert not app.exception, page


def test_without_a_prompt_the_page_says_what_to_do(app):
    assert "Type a prompt above" in words(app)


def test_an_example_fills_the_prompt_and_a_pick_appears(app):
    app.button(key="example_Maths").click().run()
    assert app.text_area(key="prompt").value.startswith("Prove that")
    assert "predicted score" in words(app)


def test_raising_the_cost_weight_changes_the_pick_for_a_cheaper_one(app):
    type_prompt(app, MATHS)
    before = words(app)
    app.select_slider(key="weight_cost").set_value(10.0).run()
    after = words(app)
    lead = [line for text in (before, after) for line in text.splitlines() if "Ask <b>" in line]
    assert len(lead) == 2
    assert lead[0] != lead[1]


def test_a_weight_survives_other_pages(app):
    type_prompt(app, MATHS)
    app.select_slider(key="weight_cost").set_value(0.2).run()
    for page in PAGES:
        app.switch_page(page).run().run()
    app.switch_page("pages/ask/route.py").run().run()
    assert app.select_slider(key="weight_cost").value == 0.2
    assert app.text_area(key="prompt").value == MATHS


def test_a_broken_limit_is_explained(app):
    type_prompt(app, MATHS + " [Flag: max cost $0]")
    frame = app.dataframe[0].value
    assert (frame["Why"].str.contains("above the limit of 0")).sum() > 20


def test_no_feasible_expert_is_said_calmly(app):
    type_prompt(app, MATHS + " [Flag: max age 1 day, max cost $0]")
    assert "No expert keeps every limit" in words(app)
    assert not app.exception


def test_flags_are_echoed_and_a_typo_is_said(app):
    type_prompt(app, MATHS + " [Flag: cheap, cheepest]")
    assert "Did you mean" in words(app)
    assert any("cost weight 2" in b.proto.body for b in app.get("markdown") if "cost weight" in b.proto.body)


def test_applying_the_stated_flip_flips(app):
    type_prompt(app, MATHS)
    first = app.dataframe[0].value.iloc[0]["Expert"]
    app.button(key="apply_flip").click().run()
    assert app.dataframe[0].value.iloc[0]["Expert"] != first


def test_a_pool_of_ones_own(app):
    type_prompt(app, MATHS)
    app.selectbox(key="pool").set_value("My choice").run()
    app.multiselect(key="own_pool").set_value(["gpt-4o-mini", "o3-mini"]).run()
    assert sorted(app.dataframe[0].value["Expert"]) == ["GPT-4o mini", "o3-mini"]


@pytest.mark.parametrize(
    "prompt",
    [
        "\x00\x01\x02\xff binary \ud800 junk",
        "مرحبا، ما هي عاصمة فرنسا؟",
        "🧪🧬🔬 what do these have in common?",
        "<script>alert(1)</script> **bold** $x^2$ [link](javascript:alert(1))",
        "word " * 40_000,
        "[Flag: cost=0.1, cost=9, max size 1B, open weights, purple",
    ],
    ids=["binary", "right-to-left", "emoji", "markup", "long", "unclosed"],
)
def test_strange_prompts_are_answered_and_nothing_is_lost(app, prompt):
    prompt = prompt.encode("utf-8", "replace").decode("utf-8")
    type_prompt(app, prompt)
    assert not app.exception
    assert app.text_area(key="prompt").value == prompt
    assert "predicted score" in words(app)
    assert "<script>" not in words(app)


def test_a_long_prompt_is_said_to_be_read_in_part(app):
    type_prompt(app, "word " * 40_000)
    assert "the first 128 and the last 128 word pieces" in words(app)


def test_a_prompt_that_the_router_can_hardly_read_is_said_to_be(app):
    type_prompt(app, "What is hidden in " + "0f4b" * 500 + "?")
    assert "The router can read little of this prompt" in words(app)
    assert "So the predictions say little" in words(app)


def test_brackets_that_are_no_flag_are_left_alone_and_a_slip_is_said(app):
    type_prompt(app, "mount says [Flags: R/W]. Why?")
    assert "Flags: R/W" not in words(app)
    type_prompt(app, MATHS + " [Flag: cheep]")
    assert "Did you mean 'cheap'" in words(app)
    assert "is text like the rest of the prompt" in words(app)


def test_a_share_link_restores_the_state():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"prompt": MATHS, "weight_cost": "0.05", "limit_size": "70", "pool": "frontier4"})
    app.query_params.update({"weight_latency": "much", "axis_x": "size"})
    app.run()
    assert app.text_area(key="prompt").value == MATHS
    assert app.select_slider(key="weight_cost").value == 0.05
    assert app.select_slider(key="limit_size").value == 70.0
    assert app.selectbox(key="pool").value == "frontier4"
    assert app.selectbox(key="axis_x").value == "size"
    assert len(app.dataframe[0].value) == 4
    assert "weight\\_latency=much" in app.toast[0].value


def test_a_flip_that_was_applied_stays_and_travels_in_the_link(app):
    type_prompt(app, MATHS)
    app.select_slider(key="limit_size").set_value(70.0).run()
    app.button(key="apply_flip").click().run()
    picked = app.dataframe[0].value.iloc[0]["Expert"]
    app.toggle(key="axis_reverse").set_value(True).run()
    assert app.dataframe[0].value.iloc[0]["Expert"] == picked
    link = next(c.value for c in app.code if "?" in c.value)
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params.update(dict(parse_qsl(link.split("?", 1)[1])) | {"prompt": MATHS})
    other.run()
    assert other.dataframe[0].value.iloc[0]["Expert"] == picked


def test_downloads_run_no_formula_in_a_spreadsheet():
    from pages.common.download import csv_bytes

    text = csv_bytes(
        pd.DataFrame({"Answer": ["=HYPERLINK(1)", "plain"], "Cost": [-1.5, 2.0], "_hidden": [1, 2]})
    ).decode()
    assert "'=HYPERLINK(1)" in text
    assert "-1.5" in text
    assert "hidden" not in text


def test_a_damaged_installation_is_one_calm_sentence(monkeypatch):
    from pages.common import cached
    from routing.errors import GraphError

    def broken():
        raise GraphError("router.onnx is missing; restore it or run training again.")

    cached.router.clear()
    monkeypatch.setattr(cached, "load_router", broken)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    cached.router.clear()
    type_or_nothing = app.text_area(key="prompt").set_value(MATHS).run() if app.text_area else app
    assert "router.onnx is missing" in words(type_or_nothing)
    assert not type_or_nothing.exception
