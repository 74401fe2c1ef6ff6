"""Policies, run as Streamlit runs it: save, compare, load, upload, and what stands in the way."""

from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.common.policies_compare import PRESENT, ratio
from routing.collecting.learning import JOB
from routing.onboarding.fit import prior
from routing.policy_file import text
from routing.store.outcomes import Collected
from tests.test_pages import MATHS, type_prompt, words
from tests.test_policy_file import FOUR, NEW, captured, router

ROOT = Path(__file__).resolve().parent.parent
PAGE = "pages/tradeoffs/policies.py"


def opened_page(**state):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    return app.run().switch_page(PAGE).run().run()


def saved(app, name="Team default"):
    app.text_input(key="policy_new_name").set_value(name).run()
    return app.button(key="policy_save").click().run()


def settings_shown(app):
    return {row["Setting"]: (row["From"], row["To"]) for row in app.dataframe[1].value.to_dict("records")}


def compared(app):
    return app.selectbox(key="policy_before").value, app.selectbox(key="policy_after").value


def test_without_any_the_page_says_what_to_do_and_saving_needs_a_name(store):
    app = opened_page()
    assert "No policy file is kept yet" in words(app)
    assert app.button(key="policy_save").disabled


def test_the_present_settings_are_saved_and_what_changed_is_told(store):
    app = saved(opened_page(weight_cost=0.4, limit_cost=0.01, pool="frontier4"))
    kept = store.policies.open("Team default", "").policy
    assert (dict(kept.weights), dict(kept.limits), kept.pool) == ({"cost": 0.4}, {"cost": 0.01}, FOUR)
    assert "Both say the same" in words(app)
    app.session_state["weight_cost"] = 5.0
    app.run()
    assert settings_shown(app) == {"cost weight": ("0.4", "5")}
    assert {m.label: m.value for m in app.metric}["Prompts with another pick"] != "0.0\u00a0%"
    assert compared(app) == (1, PRESENT)
    app.button(key="policy_save").click().run()
    assert compared(app) == (1, 2)
    assert settings_shown(app) == {"cost weight": ("0.4", "5")}
    assert [k.version for k in store.policies.versions("Team default", "")] == [2, 1]
    app.button(key="policy_save").click().run()
    assert len(store.policies.versions("Team default", "")) == 2


def test_a_version_takes_the_sliders_flags_and_fallbacks_back(store):
    store.policies.save(captured(flags=("cost",), fallbacks=("o1-mini", "gpt-4o-mini")), "")
    app = opened_page(weight_size=0.3, limit_size=70.0)
    app.button(key="policy_load").click().run()
    state = app.session_state
    assert (state["weight_cost"], state["weight_size"], state["limit_size"]) == (0.4, 0.0, None)
    assert (state["pool"], state["policy_fallback_names"]) == ("frontier4", ["o1-mini", "gpt-4o-mini"])
    assert "Both say the same" in words(app)
    app.switch_page("pages/ask/route.py").run()
    type_prompt(app, MATHS).run()
    assert app.select_slider(key="weight_cost").value == 0.4
    app.switch_page(PAGE).run().run()
    assert "Both say the same" in words(app)


def test_a_pool_of_ones_own_comes_back_by_name(store):
    store.policies.save(replace(captured(), pool=FOUR[:2]), "")
    app = opened_page()
    app.button(key="policy_load").click().run()
    assert app.session_state["own_pool"] == list(FOUR[:2])
    assert "Both say the same" in words(app)


def test_a_version_for_another_graph_loads_only_after_it_was_accepted(store):
    store.policies.save(replace(captured(), graph_sha256="0" * 64), "")
    app = opened_page()
    assert app.button(key="policy_load").disabled
    assert "000000000000" in words(app)
    app.button(key="policy_accept").click().run()
    assert not app.button(key="policy_load").disabled
    assert store.policies.open("Team default", "").policy.rebound
    assert app.session_state["weight_cost"] == 0.4
    assert compared(app) == (1, 2)
    assert "accepted on other graphs" in settings_shown(app)


def test_a_version_with_unknown_experts_brings_their_facts(store):
    own = replace(NEW, address=None)
    store.policies.save(replace(captured(), pool=(*FOUR, "team-7b"), own=(own,)), "")
    app = opened_page()
    assert app.button(key="policy_load").disabled
    app.button(key="policy_take").click().run().run()
    assert [one.name for one in store.experts.all("")] == ["team-7b"]
    assert not app.button(key="policy_load").disabled
    store.policies.save(replace(captured(), name="Lost", pool=("nobody",)), "")
    app.run()
    app.selectbox(key="policy_name").set_value("Lost").run()
    assert "Your catalogue lacks nobody" in words(app)


def test_what_a_person_learned_of_an_expert_stays_unless_the_file_s_is_chosen(store):
    skill = prior(router().basis).as_json()
    theirs = replace(NEW, address=None, skill={**skill, "n_probes": 60})
    store.policies.save(replace(captured(), pool=(*FOUR, "team-7b"), own=(theirs,)), "")
    store.outcomes.keep("", JOB, Collected("team-7b", "p", 1.0))
    app = opened_page()
    app.button(key="policy_take").click().run().run()
    assert store.experts.all("")[0].skill is None
    store.experts.save_skill("team-7b", {**skill, "n_probes": 40}, "")
    app = opened_page()
    assert "team-7b from 60 probes (yours: 40 probes)" in words(app).replace("\\", "")
    assert "Load keeps yours" in words(app)
    app.button(key="policy_load").click().run()
    assert store.experts.all("")[0].skill["n_probes"] == 40
    app.button(key="policy_learned").click().run().run()
    assert store.experts.all("")[0].skill["n_probes"] == 60
    assert store.outcomes.all("", JOB) == ()
    assert "Load keeps yours" not in words(app)


def test_an_upload_is_looked_at_before_it_is_kept(store):
    app = opened_page()
    app.file_uploader(key="policy_upload").set_value(("p.json", text(captured()).encode(), "application/json")).run()
    assert store.policies.names("") == []
    app.button(key="policy_keep").click().run()
    assert store.policies.open("Team default", "").policy == captured()
    app.file_uploader(key="policy_upload").set_value(
        ("p.json", b'{"format": 1, "nmae": "x"}', "application/json")
    ).run()
    assert "Did you mean 'name'" in words(app)


def test_versions_are_deleted_but_never_the_newest_alone(store):
    for note in "ab":
        store.policies.save(captured(note=note), "")
    app = opened_page()
    assert app.button(key="policy_delete_one").disabled
    app.selectbox(key="policy_version").set_value(1).run()
    app.button(key="policy_delete_one").click().run()
    assert [k.version for k in store.policies.versions("Team default", "")] == [2]
    app.button(key="policy_delete_all").click().run()
    assert "No policy file is kept yet" in words(app)


def test_names_and_notes_are_never_markup(store):
    store.policies.save(replace(captured(note="<b>x</b>"), name="**A** [x](http://y) <img src=x>"), "")
    app = opened_page()
    assert not app.exception
    assert "<img" not in words(app).replace("\\<img", "")


def test_a_change_of_cost_is_told_as_a_share_and_where_it_is_large_as_a_factor():
    assert ratio((0.001, 0.0012)) == "+20\u00a0% from \\$0.001"
    assert ratio((0.00011, 0.0165)) == "150 times \\$0.00011"
    assert ratio((0.001, 0.001)) is None


def test_routers_are_looked_up_as_often_for_many_versions_as_for_one(store, monkeypatch):
    asked, all_of = [], type(store.routers).all
    monkeypatch.setattr(
        type(store.routers), "all", lambda routers, owner: asked.append(owner) or all_of(routers, owner)
    )
    counts = []
    for note in ("a", "b", "c"):
        store.policies.save(captured(note=note), "")
        app = opened_page()
        asked.clear()
        app.run()
        counts.append(len(asked))
    assert len(set(counts)) == 1
