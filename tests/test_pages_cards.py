"""Instruction cards on the Experts page: read, changed for one browser session, and taken back."""

import pytest
from streamlit.testing.v1 import AppTest

from routing.errors import CatalogError
from routing.predictors.glider_cards import KEY_PHRASES, MOST_CARDS, ExpertCards
from tests.test_pages import ROOT, words

PAGE = "pages/evidence/experts.py"
STORED = {
    "gpt-4o-mini": ExpertCards(KEY_PHRASES, ("Answer short factual questions.", "Explain <b>code</b>.")),
    "o1-mini": ExpertCards("a-model", ("Solve contest mathematics step by step.",)),
}


@pytest.fixture
def show(monkeypatch):
    """Open the page with these cards stored."""
    from pages.common import cached

    def opened(stored):
        def load(_):
            if isinstance(stored, Exception):
                raise stored
            return stored

        monkeypatch.setattr(cached, "load_cards", load)
        cached.cards.clear()
        return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page(PAGE).run()

    yield opened
    cached.cards.clear()


def test_cards_say_how_they_were_made(show):
    app = show(STORED)
    assert not app.exception
    assert "from key phrases" in words(app)
    app.selectbox(key="cards_expert").set_value("o1-mini").run()
    assert "Written by: a-model" in words(app)
    assert app.text_area(key="cards_text_o1-mini").value.startswith("Solve contest")


def change(app, text):
    app.text_area(key="cards_text_gpt-4o-mini").set_value(text)
    next(b for b in app.button if b.label == "Use in this session").click().run()
    return app


def test_changed_cards_belong_to_the_session_and_can_be_taken_back(show):
    app = change(show(STORED), "Write sonnets.\n\n  Write haiku.  ")
    assert not app.exception
    assert app.session_state["own_cards"]["gpt-4o-mini"].sentences == ("Write sonnets.", "Write haiku.")
    assert "Changed by you" in words(app)
    assert app.get("download_button")
    assert STORED["gpt-4o-mini"].sentences[0] == "Answer short factual questions."
    app.button(key="cards_back").click().run()
    assert not app.session_state["own_cards"]
    assert "Changed by you" not in words(app)
    assert app.text_area(key="cards_text_gpt-4o-mini").value.startswith("Answer short")


@pytest.mark.parametrize(
    ("text", "said"), [("x" * 400, "400 characters"), ("\n".join("abcdefghijklmnop"), f"at most {MOST_CARDS}")]
)
def test_cards_that_cannot_be_used_are_refused_with_the_reason(show, text, said):
    app = change(show(STORED), text)
    assert said in app.warning[0].value
    assert not app.session_state["own_cards"]


def test_without_cards_the_page_says_so(show):
    app = show(CatalogError("There are no cards here."))
    assert not app.exception
    assert "There are no cards here" in words(app)


def test_the_glider_style_router_reads_changed_cards_in_this_session_only():
    def scores(app):
        return app.dataframe[0].value.set_index("Expert")["Score"]

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"prompt": "Write a sonnet about autumn leaves.", "router": "glider-global"})
    usual = scores(app.run())
    own = ExpertCards("changed by you", ("Write a sonnet about autumn leaves.",))
    app.session_state["own_cards"] = {"mistral-nemo": own, "gpt-4o-mini": own}
    app.session_state["readings"] = {}
    changed = scores(app.run())
    assert not app.exception
    assert changed["GPT-4o mini"] > usual["GPT-4o mini"]
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params.update({"prompt": "Write a sonnet about autumn leaves.", "router": "glider-global"})
    assert scores(other.run())["GPT-4o mini"] == usual["GPT-4o mini"]
