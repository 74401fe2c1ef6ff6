"""The Experts page, run as Streamlit runs it: adding, changing, hiding, importing, and who takes part elsewhere."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from routing.own import TYPED, OwnExpert
from tests.loopback import Loopback
from tests.test_pages import MATHS, words

ROOT = Path(__file__).resolve().parent.parent
PAGE = "pages/evidence/experts.py"
DAY = date(2026, 11, 1)
MINE = OwnExpert("mine", address="http://127.0.0.1:9/v1").with_facts(
    {"title": "My llama", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "security_tier": 0}, TYPED, DAY
)


@pytest.fixture
def app(store):
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def visit(app, page=PAGE, name=None):
    if name is not None:
        app.session_state["experts_part"], app.session_state["experts_open"] = "one", name
    app.switch_page(page).run().run()
    assert not app.exception
    return app


def click(app, key):
    app.button(key=key).click().run()
    assert not app.exception


def listed(app):
    return app.dataframe(key="experts_table").value.set_index("_name")


def test_an_empty_catalogue_of_ones_own_says_what_to_do(app):
    assert "None of them is yours yet" in words(visit(app))


def test_an_expert_is_added_from_litellms_list(app, store):
    click(visit(app), "experts_add")
    app.text_input(key="start_words").set_value("gpt-4o-mini azure").run()
    click(app, "start_azure/gpt-4o-mini")
    assert app.text_input(key="expert_name").value == "azure/gpt-4o-mini"
    app.text_input(key="expert_name").set_value("house-mini")
    app.number_input(key="expert_in").set_value(0.5)
    click(app, "expert_save")
    (kept,) = store.experts.all("")
    assert kept.name == "house-mini"
    assert kept.facts["price_in_usd_per_mtok"].source == TYPED
    assert kept.facts["price_out_usd_per_mtok"].source.startswith("litellm ")
    assert "house-mini" in words(app)
    click(app, "experts_back")
    assert list(listed(app).loc["house-mini", "Notes"]) == ["yours", "LiteLLM differs", "no predictions yet"]


def test_what_cannot_be_added_is_one_sentence(app, store):
    click(visit(app), "experts_add")
    click(app, "start_empty")
    click(app, "expert_save")
    assert "The name is empty" in words(app)
    app.text_input(key="expert_name").set_value("gpt-4o-mini")
    app.text_input(key="expert_litellm").set_value("openai/gpt-4o-mini")
    click(app, "expert_save")
    assert "is there already" in words(app)
    app.text_input(key="expert_name").set_value("mine")
    app.text_input(key="expert_title").set_value("<b>bold</b>")
    click(app, "expert_save")
    assert "the title is" in words(app).replace("\\", "")
    app.text_input(key="expert_title").set_value("")
    app.text_input(key="expert_litellm").set_value("")
    click(app, "expert_save")
    assert "Give a LiteLLM name or an own address" in words(app)
    assert store.experts.all("") == ()


def test_a_shipped_expert_is_changed_and_taken_back(app, store):
    visit(app, name="gpt-4o-mini")
    click(app, "expert_change")
    app.number_input(key="expert_in").set_value(0.1)
    app.text_input(key="expert_source").set_value("our contract")
    click(app, "expert_save")
    (kept,) = store.experts.all("")
    assert set(kept.facts) == {"price_in_usd_per_mtok"}
    assert kept.facts["price_in_usd_per_mtok"].source == "our contract"
    assert "LiteLLM lists" in words(app)
    click(app, "expert_take_over")
    assert "LiteLLM lists" not in words(app)
    click(app, "expert_remove")
    assert store.experts.all("") == ()


def test_a_hidden_expert_takes_part_nowhere_until_it_is_shown(app, store):
    visit(app, name="gpt-4o-mini")
    click(app, "expert_hide")
    app.switch_page("pages/ask/route.py").run()
    app.text_area(key="prompt").set_value(MATHS).run()
    app.selectbox(key="pool").set_value("frontier4").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 3
    visit(app, name="gpt-4o-mini")
    click(app, "expert_show")
    assert store.experts.all("") == ()


def test_an_own_expert_is_in_routes_pool_with_cost_and_without_score(app, store):
    store.experts.save(MINE, "")
    app.switch_page("pages/ask/route.py").run()
    app.text_area(key="prompt").set_value(MATHS).run()
    app.selectbox(key="pool").set_value("My choice").run()
    app.multiselect(key="own_pool").set_value(["mine", "gpt-4o-mini"]).run()
    assert not app.exception
    frame = app.dataframe[0].value.set_index("Expert")
    assert frame.loc["My llama", "Cost"] > 0
    assert frame["Score"].isna()["My llama"]
    assert "No predicted score yet: My llama" in words(app)


def test_compare_asks_an_own_expert_at_its_address_for_its_price(app, store):
    with Loopback() as server:
        store.experts.save(replace(MINE, address=server.url), "")
        app.switch_page("pages/ask/compare.py").run()
        app.text_area(key="prompt").set_value(MATHS).run()
        app.multiselect(key="compare_experts").set_value(["mine"]).run()
        assert "unknown price" not in " ".join(box.label for box in app.checkbox)
        app.button(key="compare_ask").click().run()
        app.session_state["turns"][-1].comparison.wait(60)
        app.run()
    assert not app.exception
    (kept,) = store.runs.all("")
    assert kept.answers[0].answer.error is None
    assert kept.answers[0].answer.cost_source == TYPED
    assert kept.answers[0].answer.cost_usd > 0
    store.experts.remove("mine", "")
    app.session_state["own_experts"] = None
    app.switch_page("pages/evidence/history.py").run().run()
    assert not app.exception
    app.switch_page("pages/ask/compare.py").run().run()
    assert not app.exception


def test_a_link_that_names_an_unknown_expert_still_opens(store):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["pool"] = "mine,gpt-4o-mini"
    app.run()
    assert not app.exception
    assert app.multiselect(key="own_pool").value == ["gpt-4o-mini"] if app.multiselect else True
    assert "The link names 'mine'" in " ".join(t.value for t in app.toast).replace("\\", "")


def test_export_and_import_return_what_was_there(app, store):
    store.experts.save(MINE, "")
    click(visit(app), "experts_exchange")
    text = app.code[0].value
    assert "api_key: os.environ/MINE_ENDPOINT_KEY" in text
    store.experts.remove("mine", "")
    app.session_state["own_experts"] = None
    app.file_uploader(key="import_file").set_value(("list.yaml", text.encode(), "application/yaml")).run()
    click(app, "import_keep")
    assert store.experts.all("") == (MINE,)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"model_list: [", "cannot be read as YAML"), (b"\xff\xfe\x00", "not text in UTF-8"), (b"a: 1", "no model_list")],
)
def test_a_bad_file_is_one_sentence(app, content, says):
    click(visit(app), "experts_exchange")
    app.file_uploader(key="import_file").set_value(("list.yaml", content, "application/yaml")).run()
    assert not app.exception
    assert says in words(app).replace("\\", "")


def test_the_last_expert_stays(app, store):
    from routing.catalog import load_catalog

    for name in load_catalog().names[1:]:
        store.experts.hide(name, "")
    last = load_catalog().names[0]
    visit(app, name=last)
    click(app, "expert_hide")
    assert last not in {one.name for one in store.experts.all("")}


def test_a_database_that_fails_leaves_the_shipped_catalogue(app, monkeypatch):
    monkeypatch.setenv("THALAMUS_DATABASE_URL", "sqlite:////proc/none/t.db")
    visit(app)
    assert "cannot be used" in words(app)
    assert len(listed(app)) > 50
