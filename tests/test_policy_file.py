"""Policy files: captured, written in one form, read strictly, and compared setting by setting."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import CatalogError, PolicyFileError, PreferenceError
from routing.objective import CONSTRAINTS
from routing.own import Fact, OwnExpert
from routing.own.extension import extended
from routing.policy_file import as_dict, capture, file_name, text
from routing.policy_file.diff import changes
from routing.policy_file.reading import LARGEST, from_dict, parse
from routing.policy_file.use import apply
from routing.registry import load_router
from routing.schema import Preferences

ROOT = Path(__file__).resolve().parent.parent
FOUR = ("claude-3.5-sonnet-20240620", "gpt-4o-2024-08-06", "gpt-4o-mini", "o1-mini")
PROMPT = "Prove that the square root of 2 is irrational."
DAY = date(2026, 5, 31)
DEAR = OwnExpert("gpt-4o-mini", {"price_out_usd_per_mtok": Fact(99.0, "our contract", DAY)})
NEW = OwnExpert(
    "team-7b", {"title": Fact("Team 7B", "us", DAY), "params_b": Fact(7.0, "us", DAY)}, "http://10.0.0.7/v1"
)


@cache
def router(name="blend"):
    return load_router(name=name)


@cache
def reading(prompt=PROMPT):
    return router().read(prompt)


def captured(preferences=None, **more):
    return capture("Team default", router(), preferences or Preferences({"cost": 0.4}, {"cost": 0.01}, FOUR),
                   shipped=router().catalog, **more)  # fmt: skip


def objectives(routed):
    decision = routed.decision
    return {name: repr(float(value)) for name, value in zip(decision.options.experts, decision.objective, strict=True)}


def told(**changed):
    return {**as_dict(captured()), **changed}


WEIGHTS = st.dictionaries(
    st.sampled_from(list(CONSTRAINTS)), st.sampled_from([0.0, 0.001, 0.3, 1 / 3, 10.0]), max_size=4
)
LIMITS = st.dictionaries(
    st.sampled_from(["cost", "size", "security", "verbosity"]), st.sampled_from([0.0, 0.002, 70.0])
)
POOLS = st.one_of(st.none(), st.lists(st.sampled_from(FOUR), min_size=1, unique=True).map(tuple))
FLAGS = st.one_of(st.none(), st.lists(st.sampled_from(list(CONSTRAINTS)), unique=True).map(tuple))


@settings(max_examples=40)
@given(WEIGHTS, LIMITS, POOLS, FLAGS, st.integers(0, 5), st.text(max_size=40))
def test_what_was_written_reads_back_the_same_as_json_and_as_yaml(weights, limits, pool, flags, n, note):
    policy = captured(Preferences(weights, limits, pool), flags=flags, fallbacks=n, note=note)
    written = text(policy)
    again = parse(written)
    assert text(again) == written
    assert again.sha256 == policy.sha256
    assert text(parse(yaml.safe_dump(as_dict(policy), allow_unicode=True))) == written


@settings(max_examples=40)
@given(WEIGHTS, LIMITS, POOLS)
def test_a_policy_file_saved_from_preferences_decides_as_they_do(weights, limits, pool):
    wanted = Preferences(weights, limits, pool)
    policy = parse(text(captured(wanted)))
    ruled = apply(router(), policy).decide(reading())
    page = router().decide(reading(), wanted)
    assert ruled.routed.decision.order == page.decision.order
    assert objectives(ruled.routed) == objectives(page)
    assert ruled.fallbacks == page.decision.order[1:3]


def test_experts_outside_the_pool_and_hidden_ones_are_left_out():
    hidden = OwnExpert("gpt-4o-mini", is_hidden=True)
    mine = extended(router(), [hidden, NEW])
    policy = capture("Hidden", mine, Preferences(), shipped=router().catalog, own=[hidden, NEW])
    assert policy.pool == tuple(sorted(mine.catalog.names))
    assert [own.name for own in policy.own] == ["team-7b"]
    assert captured(own=[NEW]).own == ()
    assert captured(Preferences()).pool is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": 2}, "reads format 1"),
        ({"format": True}, "reads format 1"),
        ({"weigths": {}}, "Did you mean 'weights'"),
        ({"name": " "}, "one line of 1 to 80"),
        ({"name": None}, "lacks 'name'"),
        ({"router": "blend"}, "must be keys with values"),
        ({"router": {"name": "blend", "graph_sha256": "12"}}, "64 hexadecimal digits"),
        ({"router": {"name": "blend", "sha": "12"}}, "has no key 'sha'"),
        ({"pool": []}, "is empty"),
        ({"pool": ["gpt-4o-mini"] * 2}, "twice"),
        ({"pool": "gpt-4o-mini"}, "list of at most"),
        ({"weights": {"costs": 1}}, "Did you mean 'cost'"),
        ({"weights": {"cost": True}}, "must be a number"),
        ({"weights": {"cost": "0.4"}}, "must be a number"),
        ({"weights": {"cost": 10**400}}, "must be a number"),
        ({"flags": "some"}, "all, none, or a list"),
        ({"flags": ["price"]}, "flags has no key 'price'"),
        ({"fallbacks": -1}, "0 to 20"),
        ({"fallbacks": True}, "0 to 20"),
        ({"fallbacks": ["smollm2-135m"]}, "not in the pool"),
        ({"note": "x" * 3000}, "at most 2,000"),
        ({"created": "yesterday"}, "such as 2026-05-31"),
        ({"own_experts": {"x": {"key": "sk-1"}}}, "has no key 'key'"),
        ({"own_experts": {"x": {"facts": {"adress": {}}}}}, "has no key 'adress'"),
        ({"own_experts": {"x": {"facts": {"params_b": 7}}}}, "needs value, source and day"),
        ({"rebound": [{"day": "2026-05-31"}]}, "lacks 'graph_before'"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_in_a_sentence(changed, said):
    with pytest.raises(PolicyFileError, match=said):
        from_dict(told(**changed))


def test_weights_limits_and_facts_are_checked_as_everywhere():
    with pytest.raises(PreferenceError, match="allowed is 0"):
        from_dict(told(weights={"cost": 11}))
    with pytest.raises(PreferenceError, match="limit of size"):
        from_dict(told(limits={"size": -1}))
    facts = {"params_b": {"value": -7, "source": "us", "day": "2026-05-31"}}
    with pytest.raises(CatalogError, match="size is -7"):
        from_dict(told(own_experts={"x": {"facts": facts}}))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"[1, 2]", "must be keys with values"),
        (b"", "must be keys with values"),
        (b'{"format": 1, "format": 1}', "given twice"),
        (b'{"weights": NaN}', "no number"),
        (b"{" * 5000, "neither JSON nor YAML"),
        (b'{"a":' * 20000, "neither JSON nor YAML|most that is read"),
        (b"[" * 50_000, "neither JSON nor YAML"),
        (b"a: &x [*x]", "neither JSON nor YAML|refers to itself"),
        (b"a: 1\na: 2", "given twice"),
        (b"a: !!python/object/apply:os.system [ls]", "neither JSON nor YAML"),
        (b" " * (LARGEST + 1), "most that is read"),
    ],
)
def test_hostile_files_are_refused(raw, said):
    with pytest.raises(PolicyFileError, match=said):
        parse(raw)


def test_changes_name_every_setting_that_differs_and_nothing_else():
    before = captured(note="a")
    after = replace(
        before, weights={"cost": 2.0, "size": 0.1}, limits={}, pool=FOUR[:3], flags=(), fallbacks=0, own=(DEAR,)
    )
    found = {c.setting: c for c in changes(before, replace(after, created=DAY))}
    assert set(found) == {
        "expert o1-mini", "own facts of gpt-4o-mini", "cost weight", "size weight",
        "cost limit (US dollars per answer)", "flags", "fallbacks",
    }  # fmt: skip
    assert found["cost weight"].text == "cost weight: 0.4 to 2"
    assert found["size weight"].text == "size weight: added, 0.1"
    assert changes(before, replace(before, created=DAY)) == ()


def test_a_download_has_a_harmless_name():
    assert file_name(replace(captured(), name="../../É vil: team"), 3) == "policy-vil-team-v3.json"
    assert file_name(replace(captured(), name="日本")) == "policy.json"
