"""A comparison before it is asked: settings, columns, fallbacks and money, without a call."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from routing.answer.client import Message, Settings
from routing.asking import (
    Estimate,
    Override,
    Plan,
    column_of,
    estimate,
    expert_of,
    fallbacks,
    new_run,
    predicted,
    settings_from,
)
from routing.difference import Change, as_html, changes, difference, likeness
from routing.exporting import json_lines, rows
from routing.histories import further, kept_histories
from routing.judging import calls, cost_at_most
from routing.schema import Preferences
from routing.spending import account_of, total_of
from routing.store import KeptAnswer, KeptRun, NewRun, Place, open_store
from routing.store.ledger import Line
from tests.asking import expert
from tests.test_store import RUN, answer

A, B = expert("a", price=1.0), expert("b", price=10.0)
SYSTEM_TOKENS = 6  # of the usual system prompt
FREE, UNPRICED = expert("free", price=0.0), expert("unpriced")


class Options:
    experts = ("a", "b")
    values = MappingProxyType(
        {"verbosity": (100.0, math.nan), "cost": (1.0, math.nan), "latency": (2.0, 3.0), "readability": (50, 60)}
    )
    score, score_low, score_high = [0.5, 0.6], [0.4, 0.5], [0.6, math.nan]

    def index(self, name):
        return self.experts.index(name)


class Decision:
    options = Options()
    preferences = Preferences()
    pick = "a"
    order = ("b", "a")
    on_front = (True, True)


class Reading:
    input_tokens = 10


class Routed:
    reading, decision, router = Reading(), Decision(), "blend"


def plan(*experts, **more):
    return Plan("What is new?", experts, Settings(max_tokens=200), **more)


def test_repeats_are_columns_of_their_own_and_overrides_reach_their_expert_alone():
    made = plan(A, B, repeats=2, overrides={"b": Override(temperature=1.5)})
    requests = made.requests()
    assert [r.key for r in requests] == ["a #1", "a #2", "b #1", "b #2"]
    assert [r.settings.temperature for r in requests] == [0.0, 0.0, 1.5, 1.5]
    assert all(r.settings.max_tokens == 200 for r in requests)
    assert expert_of(column_of("a #b", 3)) == "a #b"


def test_settings_come_back_from_the_store_as_they_went():
    made = plan(A, B, overrides={"b": Override("Be brief.", None, 64), "a": Override()}, fallbacks=(FREE,))
    settings, own = settings_from(made.as_json())
    assert settings == made.settings
    assert own == {"b": Override("Be brief.", None, 64)}


def test_json_may_be_asked_of_one_expert_alone_and_is_always_asked_in_words_too():
    one, other = plan(A, B, overrides={"b": Override(is_json=True)}).requests()
    assert not one.settings.is_json
    assert "JSON" not in one.messages()[0]["content"]
    assert other.messages()[0]["content"].endswith("Answer with one JSON object and nothing else.")
    told = replace(other, prompt="Write json.")
    assert "one JSON object" not in told.messages()[0]["content"], "it is said already"
    assert replace(told, settings=replace(told.settings, system="")).messages()[0]["role"] == "user"


def test_who_did_not_answer_gets_the_prompt_before_with_the_next_one():
    histories = further({}, "Who wrote Faust?", {"a #1": "Goethe.", "b #1": " "})
    one, other = plan(A, B, histories=histories).requests()
    assert [m["role"] for m in one.messages()] == ["system", "user", "assistant", "user"]
    assert other.messages()[1:] == [{"role": "user", "content": "Who wrote Faust?\n\nWhat is new?"}]
    long = further({}, "x" * 4000, {"b #1": ""})
    prices = [estimate(plan(B, histories=h), Routed(), ["b"], []).most for h in (long, {})]
    assert prices[0] > prices[1] + 10 * 4000 / 1e6


def test_expected_is_never_above_most_and_both_grow_with_repeats():
    one = estimate(plan(A, B), Routed(), ["a", "b"], [])
    three = estimate(plan(A, B, repeats=3), Routed(), ["a", "b"], [])
    assert all(one.expected_usd[c] <= one.most_usd[c] for c in one.most_usd)
    assert three.most == pytest.approx(3 * one.most)
    assert one.expected_usd["a #1"] == pytest.approx((10 + SYSTEM_TOKENS + 100) / 1e6)
    assert one.expected_usd["b #1"] == pytest.approx(10 * (10 + SYSTEM_TOKENS + 200) / 1e6), (
        "unknown length: the longest"
    )


def test_an_unknown_price_stays_unknown_and_reserves_nothing():
    found = estimate(plan(A, UNPRICED), Routed(), ["a", "unpriced"], [])
    assert math.isnan(found.most_usd["unpriced #1"])
    assert found.unknown == ("unpriced",)
    assert found.to_reserve()["unpriced #1"] == 0.0
    assert estimate(plan(UNPRICED), Routed(), ["unpriced"], []).most is not None
    assert math.isnan(estimate(plan(UNPRICED), Routed(), ["unpriced"], []).most)


def test_an_own_address_has_no_price_here():
    assert estimate(plan(A), Routed(), ["a"], ["a"]).unknown == ("a",)


def test_most_counts_the_dearest_that_may_take_over():
    alone, backed = (estimate(plan(A, fallbacks=f), Routed(), ["a", "b"], []) for f in ((), (B,)))
    assert backed.most == pytest.approx(10 * alone.most)


def test_who_cannot_be_called_costs_nothing():
    found = estimate(plan(A, B), Routed(), ["a"], [])
    assert found.most_usd["b #1"] == 0.0
    assert found.callable == ("a",)
    assert Estimate({}, {}, (), ()).expected == 0.0


def test_the_turns_before_count_in_the_price():
    told = {"a #1": (Message("user", "x" * 4000), Message("assistant", "y" * 4000))}
    assert estimate(plan(A, histories=told), Routed(), ["a"], []).most > estimate(plan(A), Routed(), ["a"], []).most


def test_fallbacks_are_on_the_front_usable_and_not_asked_anyway():
    assert fallbacks(Decision(), ["a"], lambda n: True) == ("b",)
    assert fallbacks(Decision(), ["a"], lambda n: n != "b") == ()


def test_predictions_are_kept_under_the_names_of_the_facts():
    told = predicted(Routed(), ["b", "unknown"])
    assert set(told) == {"b"}
    assert told["b"]["score"] == 0.6
    assert told["b"]["score_high"] is None
    assert told["b"]["output_tokens"] is None
    run = new_run(plan(A, B), Routed(), sha256="abc", shifts={"a": 0.5})
    assert run.asked == ("a", "b")
    assert run.preferences["shifts"] == {"a": 0.5}


def test_a_stored_conversation_comes_back_by_column(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 't.db'}")
    first = store.runs.begin(RUN, Place("", "b"))
    store.runs.keep(first, answer("a", "Goethe."))
    second = store.runs.begin(replace(RUN, prompt="When?", conversation=first, turn=1), Place("", "b"))
    store.runs.keep(second, answer("a", "1808."))
    told = kept_histories(store.runs.conversation(first, ""))
    assert [m.text for m in told["a #1"]] == ["Who wrote Faust?", "Goethe.", "When?", "1808."]
    found = store.runs.all("")
    assert [r["text"] for r in rows(found)] == ["1808.", "Goethe."]
    assert json_lines(found).count("\n") == 2
    assert total_of(found).n_answers == 2
    store.close()


@pytest.mark.parametrize(
    ("left", "right"), [("", ""), ("a b", "a c"), ("<b>x</b>", "x"), ("one\ntwo", "two\nthree"), ("same", "same")]
)
def test_pieces_of_a_difference_put_together_are_both_texts(left, right):
    pieces = difference(left, right)
    assert "".join(p.text for p in pieces if p.kind != "right") == left
    assert "".join(p.text for p in pieces if p.kind != "left") == right
    assert 0.0 <= likeness(left, right) <= 1.0
    assert "<b>" not in as_html(pieces)


def test_a_long_text_is_compared_by_lines_in_time():
    left = "word " * 5000
    assert likeness(left, left) == 1.0


def test_changes_list_every_expert_of_either_run():
    run = NewRun(**{f: getattr(RUN, f) for f in RUN.__dataclass_fields__})
    kept = KeptRun("r", None, run, (), (), True)
    (change,) = changes(kept, [("a", 0, answer("a", "now"))])
    assert change.before is None
    assert change.likeness is None
    assert Change("a", 0, answer("a", ""), answer("a", "")).likeness is None, "two failures are not the same text"
    assert Change("a", 0, answer("a", ""), answer("a", "now")).likeness == 0.0


def test_a_judge_is_asked_about_every_pair_twice_and_costs_at_most_what_is_said():
    given = [answer(n, "words " * 10) for n in "abc"]
    assert calls(given) == 6
    assert cost_at_most("Why?", given, UNPRICED) is None
    assert cost_at_most("Why?", given, B) == pytest.approx(10 * cost_at_most("Why?", given, A), rel=0.01)


def test_the_account_charges_what_is_reserved_until_it_is_known():
    open_line = Line(1, None, None, "a", 0.3, None, False)
    settled = Line(2, None, None, "a", 0.3, 0.1, True)
    account = account_of([open_line, settled], 1.0)
    assert (account.spent_usd, account.charged_usd, account.left_usd) == pytest.approx((0.1, 0.4, 0.6))
    assert account_of([], None).left_usd is None


def test_the_sum_of_unknown_costs_is_unknown():
    kept = KeptAnswer(1, "r", 0, datetime.now(UTC), answer("a", cost=None), None, None, None)
    known = replace(kept, answer=answer("a", cost=0.5))
    run = KeptRun("r", datetime.now(UTC), RUN, (kept,), (), True)
    assert math.isnan(total_of([run]).cost_usd)
    assert total_of([replace(run, answers=(kept, known))]).cost_usd == 0.5
    assert total_of([]).cost_usd == 0
