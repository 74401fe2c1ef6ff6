"""A router of one's own in force, on the pages as Streamlit runs them: named everywhere, with a way back."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from pages.common.workshop import onboard_result
from routing.policy_file import capture
from routing.registry import load_router
from routing.schema import Preferences
from routing.workshop import places
from tests import own_router
from tests.test_pages import MATHS, type_prompt, words

ROOT = Path(__file__).resolve().parent.parent
POLICIES = "pages/tradeoffs/policies.py"


def opened_app():
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def test_the_router_in_force_is_named_on_pages_and_one_click_leads_back(store):
    mine = own_router.keep(store)
    store.routers.activate("", mine.id)
    app = opened_app()
    type_prompt(app, MATHS).run()
    assert "Team router" in words(app)
    assert "whoever opens it sees what theirs decides" in words(app)
    app.switch_page("pages/tradeoffs/front.py").run()
    assert "A router of your own decides." in words(app)
    app.switch_page("pages/evidence/routers.py").run()
    assert "These are the shipped routers. How Team router compares stands on Train." in words(app)
    app.button(key="in_force_back").click().run()
    assert "A router of your own decides." not in words(app)
    assert store.routers.active("") is None
    app.switch_page("pages/workshop/train.py").run()
    app.button(key=f"router_remove_{mine.id}").click().run()
    assert not app.exception
    assert store.routers.all("") == ()
    assert not places.folder("", mine.folder).exists()


def test_a_router_whose_files_are_gone_or_damaged_is_said_and_can_be_left(store):
    mine = own_router.keep(store)
    store.routers.activate("", mine.id)
    folder = places.folder("", mine.folder)
    (folder / "tokenizer.json").unlink()
    app = opened_app()
    type_prompt(app, MATHS).run()
    assert "tokenizer.json" in words(app)
    shutil.rmtree(folder)
    app = opened_app()
    assert "The shipped router decides. The files of Team router" in words(app)
    app.button(key="in_force_back").click().run()
    type_prompt(app, MATHS).run()
    assert not app.exception
    assert "The shipped router decides." not in words(app)


def test_a_policy_file_offers_the_router_that_it_was_made_for(store):
    mine, shipped = own_router.keep(store), load_router()
    ours = capture("Ours", shipped, Preferences({"cost": 0.4}), shipped=shipped.catalog)
    store.policies.save(replace(ours, graph_sha256=mine.graph_sha256), "")
    app = opened_app().switch_page(POLICIES).run().run()
    assert app.button(key="policy_load").disabled
    assert app.button(key="policy_router").label == "Put Team router in force"
    assert "What it does to picks is not known" in words(app)
    app.button(key="policy_router").click().run().run()
    assert not app.button(key="policy_load").disabled
    assert store.routers.active("").id == mine.id
    assert "Calibrated blend of Team router" in words(app)


def test_a_policy_file_by_a_method_that_the_router_in_force_lacks_leaves_the_page_whole(store):
    mine, mirt = own_router.keep(store), load_router(name="mirt")
    store.policies.save(capture("Theirs", mirt, Preferences(), shipped=mirt.catalog), "")
    store.routers.activate("", mine.id)
    app = opened_app().switch_page(POLICIES).run().run()
    assert "which the router in force does not have" in words(app)
    assert "policy_accept" not in {one.key for one in app.button}
    assert app.button(key="policy_router").label == "Put the shipped router in force"
    app.button(key="policy_router").click().run().run()
    assert not app.button(key="policy_load").disabled


def test_figures_are_not_asked_for_where_the_router_in_force_knows_no_benchmark(store, monkeypatch):
    basis = SimpleNamespace(benchmarks={})
    monkeypatch.setattr(onboard_result, "probes", lambda: SimpleNamespace(basis=basis))
    app = AppTest.from_function(_figures).run()
    assert "knows no published benchmark" in app.info[0].value
    assert not app.text_area


def _figures():
    from pages.common.workshop import onboard_figures
    from routing.catalog import load_catalog

    onboard_figures.figures(load_catalog()["o4-mini"])
