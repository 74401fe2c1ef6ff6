"""The page of evidence, run as Streamlit runs it, on made-up evidence: every tab, every pool, and gaps."""

from dataclasses import MISSING, fields, replace
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from routing.errors import RoutingError
from routing.evidence import Evidence
from tests.stored_evidence import POOLS, make
from tests.test_pages import ROOT, words

PAGE = "pages/evidence/routers.py"
TABS = {
    "Leaderboard": "Every router on this pool",
    "Cost and quality": "Quality against cost",
    "Calibration": "Does a predicted score mean what it says?",
    "Where prompts go": "Who gets the prompts?",
    "Held-out": "What is lost on tasks that were never seen?",
    "Controls and limits": "Do shuffled labels close no gap?",
    "Difficulty and skills": "What can each expert do?",
}


@pytest.fixture
def show(monkeypatch):
    """Open the page with this evidence stored."""
    from pages.common import cached

    def opened(evidence):
        def load():
            if isinstance(evidence, Exception):
                raise evidence
            return evidence

        monkeypatch.setattr(cached, "Evidence", SimpleNamespace(load=load))
        cached.evidence.clear()
        cached.latent.clear()
        return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page(PAGE).run()

    yield opened
    cached.evidence.clear()
    cached.latent.clear()


def open_tab(app, name):
    app.session_state["evidence_tabs"] = name
    return app.run()


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_draws_with_table_and_download(show, tab):
    app = open_tab(show(make()), tab)
    assert not app.exception
    assert TABS[tab] in words(app)
    assert app.get("plotly_chart")
    assert app.dataframe
    assert len(app.get("download_button")) >= len(app.get("plotly_chart"))
    others = [title for name, title in TABS.items() if name != tab]
    assert not [title for title in others if title in words(app)], "only the open tab is drawn"


@pytest.mark.parametrize("pool", POOLS)
def test_every_pool_has_its_verdict_and_the_split_is_said(show, pool):
    app = show(make())
    app.selectbox(key="evidence_pool").set_value(pool).run()
    assert not app.exception
    assert "routing" in next(e.proto.body for e in app.get("html") if "lead" in e.proto.body and "<p" in e.proto.body)
    assert "test split" in words(app)
    assert "2026-11-22" in words(app)


def test_the_deferral_curve_stands_only_with_a_pair(show):
    app = open_tab(show(make()), "Cost and quality")
    assert "APGR" not in words(app)
    app.selectbox(key="evidence_pool").set_value("strong-weak").run()
    assert "APGR" in words(app)


def test_routers_chosen_are_the_routers_drawn(show):
    app = show(make())
    app.multiselect(key="evidence_routers").set_value(["blend"]).run()
    assert not app.exception
    app.multiselect(key="evidence_routers").set_value([]).run()
    assert "Choose at least one router" in words(app)


def test_a_collapse_is_warned_of_and_a_control_is_not(show):
    told = make()
    for row in told.leaderboard:
        row["shares"] = {row["experts"][0]: 1.0}
    app = open_tab(show(told), "Where prompts go")
    warning = next(w.value for w in app.warning)
    assert "Collapsed to one expert" in warning
    assert "rompt-blind" not in warning


@pytest.mark.parametrize("tab", TABS)
def test_what_was_not_measured_is_said(show, tab):
    full = make()
    parts = (f for f in fields(full) if f.default_factory is not MISSING and f.name != "leaderboard")
    app = open_tab(show(replace(full, **{f.name: f.default_factory() for f in parts})), tab)
    assert not app.exception
    if tab != "Leaderboard":
        assert "ot measured" in words(app) or "None of these routers" in words(app)


def test_missing_and_damaged_evidence_is_one_calm_sentence(show, tmp_path):
    path = tmp_path / "evidence.json"
    make().save(tmp_path)
    assert Evidence.load(tmp_path).leaderboard
    for text in ("{", "[]", '{"split": "test"}', None):
        path.unlink()
        if text is not None:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(RoutingError) as caught:
            Evidence.load(tmp_path)
        app = show(caught.value)
        assert not app.exception
        assert "evidence" in app.info[0].value
        assert not app.get("plotly_chart")
