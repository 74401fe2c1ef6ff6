"""Onboard, run as Streamlit runs it: an expert added, figures pasted, probes asked of a loopback server."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from routing.catalog import fact_sources, load_catalog
from routing.collecting.learning import JOB
from routing.collecting.probe import Standing
from routing.collecting.under_way import under_way
from routing.figures import onboarding
from routing.local import local_experts
from routing.own import TYPED, OwnExpert
from routing.store.outcomes import Collected
from tests.loopback import Loopback
from tests.test_pages import words

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def opened():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).run()
    return app.switch_page("pages/workshop/onboard.py").run().run()


def choose(app, name):
    app.selectbox(key="onboard_expert").set_value(name).run()
    return app


def tab(app, name):
    app.session_state["onboard_tabs"] = name
    return app.run()


def test_the_curve_is_there_before_anything_is_added(store):
    app = opened()
    assert not app.exception
    said = words(app)
    assert "was left out in turn" in said
    assert "Regret gap" in list(app.dataframe[0].value.columns)


def test_without_a_database_the_page_still_shows_how_well_onboarding_works(monkeypatch):
    monkeypatch.setenv("THALAMUS_DATABASE_URL", "sqlite:////proc/none.db")
    app = opened()
    assert not app.exception
    assert not app.error
    assert "was left out in turn" in words(app)


def test_an_expert_is_added_and_chosen(store):
    app = opened()
    app.segmented_control(key="onboard_where").set_value("At a provider").run()
    app.text_input(key="onboard_name").set_value("my-gpt")
    app.text_input(key="onboard_litellm").set_value("openai/gpt-4o-mini")
    app.number_input(key="onboard_in").set_value(0.1)
    app.button(key="onboard_add_go").click().run()
    assert not app.exception
    (own,) = store.experts.all("")
    assert own.expert.litellm == "openai/gpt-4o-mini"
    assert (own.expert.price_in_usd_per_mtok, own.facts["price_in_usd_per_mtok"].source) == (0.1, TYPED)
    assert own.expert.price_out_usd_per_mtok == 0.6, "what was left out is as LiteLLM lists it"
    assert own.facts["price_out_usd_per_mtok"].source.startswith("litellm ")
    assert own.expert.context_tokens == 128_000
    assert app.selectbox(key="onboard_expert").value == "my-gpt"
    assert "not onboarded yet" in words(app)
    assert app.button(key="onboard_go").disabled, "there is no key"


def test_an_expert_on_this_machine_has_the_facts_of_its_weights(store):
    if not local_experts().is_installed("smollm2-135m"):
        pytest.skip("no weights are here: make setup")
    app = opened()
    app.text_input(key="onboard_name").set_value("my-smollm")
    app.button(key="onboard_add_go").click().run()
    assert not app.exception
    (own,) = store.experts.all("")
    base, source = load_catalog()["smollm2-135m"], fact_sources()["smollm2-135m"]
    assert own.expert == replace(base, name="my-smollm", title="my-smollm")
    assert (own.facts["params_b"].source, own.facts["params_b"].day) == source
    assert own.facts["title"].source == TYPED


def test_what_is_on_this_machine_is_added_by_one_click(store):
    if not local_experts().is_installed("smollm2-135m"):
        pytest.skip("no weights are here: make setup")
    app = opened()
    app.button(key="onboard_here_smollm2-135m").click().run()
    assert not app.exception
    assert [own.name for own in store.experts.all("")] == ["my-smollm2-135m"]
    assert app.selectbox(key="onboard_expert").value == "my-smollm2-135m"
    assert not app.button(key="onboard_go").disabled


@pytest.mark.parametrize(
    ("name", "address", "told"),
    [("", "http://127.0.0.1:9/v1", "name is empty"), ("a b", "http://127.0.0.1:9/v1", "cannot be a name"),
     ("gpt-4o-mini", "http://127.0.0.1:9/v1", "is there already"), ("fine", "", "LiteLLM name or an own address"),
     ("fine", "ftp://x", "http")],
)  # fmt: skip
def test_what_cannot_be_added_is_said(store, name, address, told):
    app = opened()
    app.segmented_control(key="onboard_where").set_value("At an address of mine").run()
    app.text_input(key="onboard_name").set_value(name)
    app.text_input(key="onboard_address").set_value(address)
    app.button(key="onboard_add_go").click().run()
    assert not app.exception
    assert told in words(app).replace("\\", "")
    assert store.experts.all("") == ()


def test_figures_are_pasted_checked_used_and_forgotten(store):
    store.experts.save(OwnExpert("mine", {}, "http://127.0.0.1:9/v1"), "")
    app = tab(choose(opened(), "mine"), "By published figures")
    app.text_area(key="onboard_figures").set_value("GSM8K 92 %\nHumanEvil 80")
    app.button(key="onboard_figures_go").click().run()
    assert "Line 2: no benchmark is called" in words(app).replace("\\", "")
    app.text_area(key="onboard_figures").set_value("GSM8K 92 %\nMMLU-Pro 0.71")
    app.button(key="onboard_figures_go").click().run()
    assert not app.exception
    assert store.experts.all("")[0].skill["source"] == "published figures"
    assert "from published figures" in words(app)
    told = next(d.value for d in app.dataframe if "Published" in d.value).set_index("Benchmark")
    assert abs(told.loc["GSM8K", "Predicted mean"] - told.loc["GSM8K", "Published"]) < 0.1
    assert "Where mine stands" in words(app)
    app.button(key="onboard_figures_forget").click().run()
    assert store.experts.all("")[0].skill is None
    assert "not onboarded yet" in words(app)


def test_probes_are_asked_stopped_and_gone_on_with(store):
    with Loopback() as server:
        store.experts.save(OwnExpert("normal-x", {}, server.url), "")
        app = choose(opened(), "normal-x")
        assert "at a price that nobody here knows" in words(app)
        assert app.button(key="onboard_go").disabled
        app.checkbox(key="onboard_unknown").check()
        app.number_input(key="onboard_count_0").set_value(10).run()
        app.button(key="onboard_go").click().run()
        deadline = time.monotonic() + 60
        while "Where normal" not in words(app):
            assert time.monotonic() < deadline
            time.sleep(0.5)
            app.run()
        assert not app.exception
        assert len(store.outcomes.all("", JOB, "normal-x")) == 10
        assert store.experts.all("")[0].skill["n_probes"] == 10
        assert "from 10 probes" in words(app)
        app.button(key="onboard_forget").click().run()
        assert store.outcomes.all("", JOB, "normal-x") == ()
        assert store.experts.all("")[0].skill is None


def test_probes_that_a_closed_tab_began_are_found_again_and_stopped(store):
    with Loopback() as server:
        store.experts.save(OwnExpert("stuck-x", {}, server.url), "")
        app = choose(opened(), "stuck-x")
        app.checkbox(key="onboard_unknown").check()
        app.number_input(key="onboard_count_0").set_value(10).run()
        app.button(key="onboard_go").click().run()
        other = opened()
        assert not other.exception
        assert other.selectbox(key="onboard_expert").value == "stuck-x"
        assert len(under_way(store, "", JOB)) == 1
        assert under_way(store, "ada@example.org", JOB) == {}
        other.button(key="onboard_stop").click().run()
        deadline = time.monotonic() + 30
        while "onboard_go" not in {button.key for button in other.button}:
            assert time.monotonic() < deadline
            time.sleep(0.2)
            other.run()
        assert under_way(store, "", JOB) == {}


def test_what_was_answered_while_the_browser_was_closed_is_learned(store):
    store.experts.save(OwnExpert("mine", {}, "http://127.0.0.1:9/v1"), "")
    store.outcomes.keep("", JOB, Collected("mine", "math/sum", 1.0))
    app = choose(opened(), "mine")
    assert not app.exception
    assert "from 1 probe," in words(app)
    assert store.experts.all("")[0].skill["n_probes"] == 1


def test_code_is_run_only_where_the_kernel_holds_it_or_the_person_allows_it(store, monkeypatch):
    store.experts.save(OwnExpert("mine", {}, "http://127.0.0.1:9/v1"), "")
    app = choose(opened(), "mine")
    assert "onboard_code" not in {box.key for box in app.checkbox}
    monkeypatch.setattr("routing.bounded.is_filtered", lambda: False)
    app.number_input(key="onboard_count_0").set_value(176).run()
    assert "no filter for the code" in words(app)
    assert app.button(key="onboard_go").label == "Ask 154 probes"
    app.checkbox(key="onboard_code").check().run()
    assert app.button(key="onboard_go").label == "Ask 176 probes"


def test_another_owner_sees_nothing(store):
    store.experts.save(OwnExpert("hers", {}, "http://127.0.0.1:9/v1"), "ada@example.org")
    assert "hers" not in opened().selectbox(key="onboard_expert").options


FOUND = [
    Standing("", 20, 0.6, 0.5, 0.7, {"a": 0.9, "b": 0.58, "c": 0.2}),
    Standing("math", 5, 0.4, 0.2, 0.6, {"a": 0.8, "b": 0.5, "c": 0.1}),
]


def test_the_best_and_the_nearest_are_named_beside_it():
    assert onboarding.nearest(FOUND) == ["a", "b", "c"]
    assert onboarding.nearest(FOUND, 2) == ["a", "b"]


def test_figures_draw_what_they_are_given():
    figure = onboarding.standings(FOUND, "Mine", {"a": "Ada"}, ["a", "b"])
    mine = next(trace for trace in figure.data if trace.name == "Mine")
    assert list(mine.y) == ["All probes", "Mathematics"]
    assert list(mine.x) == [0.6, 0.4]
    assert list(mine.error_x.array) == pytest.approx([0.1, 0.2])
    assert {trace.name for trace in figure.data} == {"Known experts", "Ada", "b", "Mine"}
    band = onboarding.narrowing(FOUND, 30).data[0]
    assert list(band.y) == [0.7, 0.6, 0.2, 0.5]
    table = onboarding.table(FOUND, "Mine", {"a": "Ada"}, ["a"])
    assert list(table.columns) == ["Domain", "Prompts", "Mine", "Low", "High", "Ada"]


def test_the_curve_begins_both_ways_at_no_probes():
    rows = [
        {"learned_from": "random probes", "count": 0, "regret": 0.02},
        {"learned_from": "random probes", "count": 20, "regret": 0.01},
        {"learned_from": "adaptive probes", "count": 20, "regret": 0.005},
        {"learned_from": "all figures", "count": 0, "regret": 0.001},
    ]
    traces = {trace.name: trace for trace in onboarding.curve(rows, "regret").data}
    assert list(traces["Adaptive probes"].x) == [0, 20]
    assert list(traces["Adaptive probes"].y) == [0.02, 0.005]
    assert list(traces["All published figures"].y) == [0.001, 0.001]
