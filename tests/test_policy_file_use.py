"""Deciding by a policy file: what it brings, what it allows, and the router it was made for."""

import math
from dataclasses import replace

import pytest

from routing.commands.policy import _diff_lines
from routing.errors import PolicyFileError
from routing.flags import permitted
from routing.onboarding.fit import prior
from routing.own.extension import extended, plain
from routing.policy_file import capture, rebind, text
from routing.policy_file.diff import Change, Effect, changes, effect
from routing.policy_file.reading import parse
from routing.policy_file.use import apply, load
from routing.sample import load_sample
from routing.schema import Preferences
from tests.test_policy_file import DAY, DEAR, FOUR, NEW, PROMPT, captured, objectives, reading, router


def test_own_experts_and_changed_prices_decide_on_another_machine_as_here():
    mine = extended(router(), [DEAR, NEW])
    wanted = Preferences({"cost": 2.0}, {}, (*FOUR, "team-7b"))
    policy = capture("With ours", mine, wanted, shipped=router().catalog, own=[DEAR, NEW])
    assert "10.0.0.7" not in text(policy)
    ruling = apply(router(), parse(text(policy)))
    assert ruling.router.catalog["gpt-4o-mini"].price_out_usd_per_mtok == 99.0
    assert ruling.router.catalog["team-7b"].params_b == 7.0
    assert ruling.decide(reading()).routed.decision.order == mine.decide(reading(), wanted).decision.order


def test_an_onboarded_expert_is_predicted_on_another_machine_as_here():
    skill = prior(router().basis).as_json()
    able = replace(NEW, skill=skill)
    mine, wanted = extended(router(), [able]), Preferences({"cost": 0.1}, {}, (*FOUR, "team-7b"))
    policy = capture("Onboarded", mine, wanted, shipped=router().catalog, own=[able])
    written = text(policy)
    assert written.count("\n") < 60
    assert text(parse(written)) == written
    ruled = apply(router(), parse(written)).route(PROMPT)
    assert "team-7b" in ruled.routed.decision.order
    assert objectives(ruled.routed) == objectives(mine.route(PROMPT, wanted))
    bare = plain(mine, router().catalog)
    assert objectives(bare.route(PROMPT)) == objectives(router().route(PROMPT))
    other = replace(policy, own=(replace(able, address=None, skill={**skill, "n_probes": 60}),))
    told = changes(policy, other)
    assert [c.setting for c in told] == ["team-7b: skill"]
    assert told[0].after.startswith("60 probes")


def test_flags_that_are_not_allowed_are_reported_and_do_nothing():
    ruling = apply(router(), captured(flags=("cost",)))
    ruled = ruling.decide(router().read(PROMPT + " [Flag: cost=3, max security 0]"))
    assert ruled.routed.decision.preferences.weights["cost"] == 3.0
    assert "security" not in ruled.routed.decision.preferences.limits
    assert "ignored by the policy file 'Team default'" in " ".join(ruled.routed.reading.warnings)
    assert permitted(reading(PROMPT + " [Flag: cheap]").flags, None)[1] == ()


def test_named_fallbacks_keep_their_order_and_those_that_cannot_are_named():
    policy = captured(Preferences({}, {"size": 1.0}, (*FOUR, "smollm2-135m")), fallbacks=("o1-mini", "smollm2-135m"))
    ruled = apply(router(), policy).decide(reading())
    assert ruled.fallbacks == ()
    assert "no fallback here: o1-mini" in " ".join(ruled.routed.reading.warnings)
    free = apply(router(), captured(fallbacks=("o1-mini", "gpt-4o-mini"))).decide(reading())
    assert free.fallbacks == tuple(n for n in ("o1-mini", "gpt-4o-mini") if n != free.routed.decision.pick)


def test_a_file_made_for_another_graph_runs_only_when_that_is_accepted_and_recorded():
    policy = replace(captured(), graph_sha256="0" * 64)
    with pytest.raises(PolicyFileError, match=r"000000000000.*df179f2e8ef5|000000000000.*loaded has"):
        apply(router(), policy)
    assert apply(router(), policy, accept_other=True).notes
    bound = rebind(policy, router(), DAY)
    assert apply(router(), parse(text(bound))).notes == ()
    assert bound.rebound[0].graph_before == "0" * 64
    assert rebind(bound, router()) is bound


def test_a_router_with_arrays_beside_the_graph_names_both():
    assert captured().methods_sha256 is None
    policy = capture("Mirt", router("mirt"), Preferences(), shipped=router().catalog)
    assert policy.methods_sha256 == router().card["methods_sha256"]
    with pytest.raises(PolicyFileError, match="methods file"):
        load(replace(policy, methods_sha256="1" * 64), router)
    with pytest.raises(PolicyFileError, match="Load 'mirt'"):
        apply(router(), policy)
    with pytest.raises(PolicyFileError, match="No expert is called 'nobody'"):
        apply(router(), replace(captured(), pool=("nobody",)))


def test_the_effect_is_what_the_router_would_pick_on_every_held_out_prompt():
    sample = load_sample()
    cheap, best = (apply(router(), captured(Preferences({"cost": w}, {}, FOUR))) for w in (5.0, 0.0))
    found = effect(best, cheap, sample)
    assert found.n_prompts == len(sample.input_tokens)
    assert sum(n for _, _, n in found.moved) == round(found.share_changed * found.n_prompts)
    assert found.cost_usd[1] < found.cost_usd[0]
    assert found.score[1] < found.score[0]
    same = effect(best, best, sample)
    assert (same.share_changed, same.moved) == (0.0, ())
    none = effect(best, apply(router(), captured(Preferences({}, {"recency": 0.0}, FOUR))), sample)
    assert none.share_unanswered == (0.0, 1.0)
    other = capture("Mirt", router("mirt"), Preferences(), shipped=router().catalog)
    assert effect(best, apply(router("mirt"), other), sample) is None
    elsewhere = apply(router(), replace(captured(), graph_sha256="0" * 64), accept_other=True)
    assert effect(best, elsewhere, sample) is None


def test_what_is_not_known_of_a_difference_is_called_unknown():
    did = Effect(59, 1.0, (0.8724, math.nan), (math.nan, math.nan), (0.0, 1.0), ())
    told = _diff_lines((Change("cost limit", "", "0.002"),), did)
    assert "Mean predicted score 0.8724 to unknown." in told
    assert "Mean predicted cost unknown to unknown an answer." in told
