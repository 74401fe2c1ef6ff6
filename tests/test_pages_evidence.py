"""The page of evidence, run as Streamlit runs it, on made-up evidence: every tab, every pool, and gaps."""

from dataclasses import MISSING, fields, replace
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import heat, names
from routing.errors import RoutingError
from routing.evidence import Evidence
from tests.stored_evidence import POOLS, make
from tests.test_pages import MATHS, ROOT, app, type_prompt, words

__all__ = ["app"]

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


def test_a_router_of_choice_decides_and_travels_in_the_link(app):
    type_prompt(app, MATHS)
    usual = app.dataframe[0].value["Score"].tolist()
    app.selectbox(key="router").set_value("prompt-blind").run()
    assert not app.exception
    assert app.dataframe[0].value["Score"].tolist() != usual
    assert "gives no intervals" in words(app)
    assert any("router=prompt-blind" in c.value for c in app.code)
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params.update({"prompt": MATHS, "router": "prompt-blind"})
    other.run()
    assert other.selectbox(key="router").value == "prompt-blind"
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params.update({"prompt": MATHS, "router": "oracle-of-delphi"})
    other.run()
    assert "not known here" in other.toast[0].value


def test_a_policy_says_that_weights_do_not_move_it(app):
    type_prompt(app, MATHS)
    app.selectbox(key="router").set_value("cascade").run()
    assert not app.exception
    assert "Weights do not move its pick, limits do" in words(app)
    app.session_state["route_tabs"] = "What would flip it"
    app.run()
    assert "no weight would flip it" in words(app)


def test_every_router_picks_for_the_prompt_only_when_asked(app, monkeypatch):
    from pages.common import cached

    some = ["blend", "network", "clusters", "prompt-blind", "cascade"]
    monkeypatch.setattr(names, "usable", lambda: some)
    cached.routers.clear()
    real, calls = cached.routers, []
    monkeypatch.setattr(cached, "routers", lambda folder=None: calls.append(1) or real(folder))
    type_prompt(app, MATHS)
    assert not calls
    app.session_state["route_tabs"] = "Which router picks what"
    app.run()
    assert not app.exception
    frame = next(d.value for d in app.dataframe if "Pick" in d.value)
    assert list(frame["_name"]) == some
    assert frame["Predicted score"].between(0, 1).all()
    app.selectbox(key="pool").set_value("frontier4").run()
    frame = next(d.value for d in app.dataframe if "Pick" in d.value)
    assert set(frame["_pick"]) <= set(cached.pools()["frontier4"])
    real.clear()


def test_the_heat_map_names_two_and_colours_the_words(app, monkeypatch):
    from pages.common import cached

    usual = cached.router()
    reader = SimpleNamespace(card=usual.encoder.card, encode=lambda texts: None)
    monkeypatch.setattr(cached, "token_reader", lambda: reader)
    monkeypatch.setattr(heat.cards, "router", lambda name: usual)
    monkeypatch.setattr(heat, "token_weights", lambda text, *_: tuple((w, float(len(w))) for w in text.split()))
    type_prompt(app, MATHS + " <script>alert(1)</script>")
    app.session_state["route_tabs"] = "Token heat map"
    app.run()
    assert not app.exception
    assert "Top 2 of the GLIDER-style router: pick" in words(app)
    body = next(e.proto.body for e in app.get("html") if 'class="heat"' in e.proto.body)
    assert body.count("<span") == len(MATHS.split()) + 1
    assert "<script>" not in body


def test_words_of_a_heat_map_are_never_markup():
    text = heat.coloured(
        (("<img src=x onerror=alert(1)>", 2.0), ('" onmouseover="x', -2.0), ("plain", 1.0), ("", -1.0))
    )
    assert "<img" not in text
    assert '"x"' not in text
    assert text.count("<span") == 4
    assert 'class="for" style="--w:100%"' in text
    assert 'class="against" style="--w:50%"' in text
    assert heat.coloured(()) == ""
