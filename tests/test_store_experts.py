"""Own experts in the database: whose they are, how many there may be, and that they outlive the app."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from routing.errors import StoreError
from routing.own import MOST_OWN, TYPED, OwnExpert
from routing.store import open_store

DAY = date(2026, 11, 1)
MINE = OwnExpert("mine", address="http://127.0.0.1:9/v1").with_facts({"title": "Mine", "released": DAY}, TYPED, DAY)
SKILL = {
    "graph_sha256": "0" * 64, "mean": [0.1, 0.2], "covariance": [1.0, 0.0, 1.0], "source": "probes", "n_probes": 5,
    "n_figures": 0, "fitted": "2026-11-01",
}  # fmt: skip


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 't.db'}"


@pytest.fixture
def store(url):
    opened = open_store(url)
    yield opened
    opened.close()


def test_what_is_saved_is_there_after_a_restart(store, url):
    store.experts.save(MINE, "me")
    store.close()
    again = open_store(url)
    assert again.experts.all("me") == (MINE,)
    again.close()


def test_nobody_sees_or_changes_what_another_keeps(store):
    store.experts.save(MINE, "me")
    store.experts.remove("mine", "you")
    store.experts.hide("mine", "you")
    assert store.experts.all("me") == (MINE,)
    assert store.experts.all("you") == (OwnExpert("mine", is_hidden=True),)


def test_saving_again_takes_the_place_and_keeps_the_skill(store):
    store.experts.save(MINE, "")
    store.experts.save_skill("mine", SKILL, "")
    store.experts.save(replace(MINE, address=None), "")
    assert store.experts.all("") == (replace(MINE, address=None, skill=SKILL),)


def test_a_shipped_expert_is_hidden_and_shown_without_a_trace(store):
    store.experts.hide("gpt-4o-mini", "")
    assert store.experts.all("") == (OwnExpert("gpt-4o-mini", is_hidden=True),)
    store.experts.show("gpt-4o-mini", "")
    store.experts.show("o1-mini", "")
    assert store.experts.all("") == ()


def test_a_skill_comes_and_goes(store):
    store.experts.save_skill("gpt-4o-mini", SKILL, "")
    assert store.experts.all("") == (OwnExpert("gpt-4o-mini", skill=SKILL),)
    store.experts.save_skill("gpt-4o-mini", None, "")
    assert store.experts.all("") == ()


def test_removing_is_final_and_repeatable(store):
    store.experts.save(MINE, "")
    store.experts.remove("mine", "")
    store.experts.remove("mine", "")
    assert store.experts.all("") == ()


def test_there_is_a_bound_for_each_person(store):
    for number in range(MOST_OWN):
        store.experts.hide(f"e{number}", "me")
    with pytest.raises(StoreError, match="500 own or changed experts are kept; at most 500 can be"):
        store.experts.save(MINE, "me")
    store.experts.save(MINE, "you")
    store.experts.show("e0", "me")
    store.experts.save(MINE, "me")


def test_two_tabs_may_save_the_same_expert_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.experts.save(MINE, ""), range(16)))
    assert store.experts.all("") == (MINE,)


def test_a_damaged_row_leaves_the_others(store):
    store.experts.save(MINE, "")
    store.experts.save(replace(MINE, name="other"), "")
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE own_expert SET facts = '{\"title\": 3}' WHERE name = 'mine'"))
    found = store.experts.all("")
    assert [one.name for one in found] == ["other"]
    assert found.note("expert") == "1 expert is damaged in the database and left out. Restore it from a copy."
    store.experts.save(MINE, "")  # stating it anew mends it
    assert [one.name for one in store.experts.all("")] == ["mine", "other"]
