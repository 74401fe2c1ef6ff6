"""Stored evidence as tables and figures: what is drawn is what is stored, and gaps stay gaps."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from routing.evidence import LatentMap
from routing.figures.evidence import board, calibration, controls, curves, flow, heldout, items, latent, verdict
from routing.figures.evidence.looks import KINDS, looks
from routing.predictors import DEFAULT, PREDICTORS, PROMPT_BLIND
from tests.stored_evidence import DOMAINS, POOLS, ROUTERS, make

POOL = "frontier4"
DRAWN = list(PREDICTORS)[:3]


@pytest.fixture(scope="module")
def stored():
    return make()


@pytest.fixture(scope="module")
def rows(stored):
    return [row for row in stored.leaderboard if row["pool"] == POOL]


def row_like(**changes):
    best = {"name": "o1-mini", "score": 0.8, "cost": 0.001}
    plain = {"router": DEFAULT, "pool": POOL, "best_single": best, "score": 0.81, "p_value": 0.01, "random": 0.5}
    given = {
        **{"above_best_single_interval": [0.005, 0.015], "aiq_above_static_mix": 0.05},
        **{"aiq_above_static_mix_interval": [0.04, 0.06], "aiq_prompt_blind_above_static_mix": 0.01},
        "cost_at": {"100": 0.3, "99": 0.2, "95": 0.1},
    }
    return {**plain, **given, **changes}


def test_the_leaderboard_has_every_router_the_best_first(rows):
    frame = board.leaderboard(rows, {}, {})
    assert set(frame["_router"]) == set(ROUTERS)
    assert (np.diff(frame["Mean score"]) <= 0).all()


def test_a_difference_counts_only_when_interval_and_p_agree():
    assert board.verdict(row_like()) == "above"
    assert board.verdict(row_like(p_value=0.2)) == "not told apart"
    assert board.verdict(row_like(above_best_single_interval=[-0.01, 0.02])) == "not told apart"
    assert board.verdict(row_like(above_best_single_interval=[-0.03, -0.01])) == "below"
    assert board.verdict(row_like(above_best_single_interval=None)) == "not told apart"


def test_the_ladder_draws_its_steps_and_only_the_chosen_routers(rows):
    frame = board.leaderboard(rows, {}, {})
    figure = board.ladder(frame, rows[0], looks(DRAWN))
    steps = [t.x[0] for t in figure.data if t.mode == "lines"]
    assert steps == pytest.approx([rows[0][k] for k in ("random",)] + [rows[0]["best_single"]["score"]] + [
        rows[0][k] for k in ("dataset_oracle", "oracle")
    ])  # fmt: skip
    assert len([t for t in figure.data if t.mode == "markers"]) == len(DRAWN)


def test_the_drawn_routers_are_the_default_the_best_of_each_system_and_the_floor(stored):
    systems = {"a": "Tryage", "b": "Tryage", DEFAULT: "Later methods", PROMPT_BLIND: "Controls"}
    told = [("a", 0.01), ("b", 0.05), (DEFAULT, 0.06), (PROMPT_BLIND, 0.0)]
    found = board.leading([{"router": r, "aiq_above_static_mix": v} for r, v in told], systems)
    assert found[0] == DEFAULT
    assert set(found) == {DEFAULT, "b", PROMPT_BLIND}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "routing reaches the score of the best single expert, o1, at 30\u00a0% of its cost"),
        (
            {"cost_at": {"100": None, "99": 0.2}},
            "reaches 99 % of the score of the best single expert, o1, at 20\u00a0%",
        ),
        ({"cost_at": {"100": None, "99": None}}, "does not reach the best single expert, o1, for less"),
        ({"aiq_above_static_mix_interval": [-0.02, -0.01]}, "routing does not pay here: at equal cost it scores"),
        (
            {"aiq_above_static_mix": 0.005, "aiq_above_static_mix_interval": [-0.005, 0.015], "n_prompts": 1000},
            "1,000 prompts cannot tell whether routing pays here, about 3,000 more would: at equal cost",
        ),
        ({"aiq_above_static_mix": None, "p_value": 0.5}, "whether routing pays here"),
        ({"aiq_above_static_mix": None}, "routing scores more than the best single expert"),
    ],
)
def test_the_verdict_follows_from_the_numbers(changes, words):
    assert words in verdict.lead(row_like(**changes), "Frontier", {"o1-mini": "o1"})


def test_the_support_says_what_reading_the_prompt_adds():
    text = verdict.support(row_like())
    assert "0.810 against 0.800 (+0.010" in text
    assert "of which 0.040 comes from reading the prompt" in text


def test_a_curve_passes_through_what_is_stored(stored, rows):
    drawn = [row for row in rows if row["router"] in DRAWN]
    frame = curves.cost_quality(drawn, stored.pools[POOL], {}, {})
    assert len(frame[frame["_key"] == curves.SINGLE]) == len(POOLS[POOL])
    for is_log in (False, True):
        figure = curves.cost_quality_figure(frame, looks(DRAWN), is_log=is_log)
        line = next(t for t in figure.data if t.name == DEFAULT)
        own = next(row for row in drawn if row["router"] == DEFAULT)["curve"]
        assert np.interp(own["cost_usd"], line.x, line.y) == pytest.approx(own["score"])
        assert figure.layout.xaxis.type == ("log" if is_log else "linear")


def test_something_free_is_never_put_on_a_logarithmic_axis(stored, rows):
    facts = {"singles": {"local": {"cost_usd": 0.0, "score": 0.3}}, "static_mix": {}}
    frame = curves.cost_quality(rows[:1], facts, {}, {})
    assert curves.cost_quality_figure(frame, looks(DRAWN), is_log=True).layout.xaxis.type == "linear"


def test_a_missing_measure_stays_missing():
    bare = {"router": DEFAULT, "pool": POOL, "best_single": {"name": "x", "score": 0.5}, "score": 0.5}
    frame = board.leaderboard([bare], {}, {})
    assert frame["AIQ above mix"].isna().all()
    assert frame["95 % interval"].isna().all()
    assert curves.cost_quality([bare], {}, {}, {}).empty
    assert math.isnan(curves.aiq([bare], {})["Cost at 99 %"][0])


def test_shares_add_up_and_a_collapse_is_seen():
    told = [
        {"router": "a", "shares": {"x": 0.97, "y": 0.03}},
        {"router": "b", "shares": {"x": 0.5, "y": 0.5}},
    ]
    frame = flow.shares(told, {}, {"x": "X"})
    assert frame[["X", "y"]].sum(axis=1).tolist() == pytest.approx([1, 1])
    assert flow.collapsed(frame) == [("a", "X", 0.97)]
    assert "a (97\u00a0% to X)" in verdict.collapse(flow.collapsed(frame))
    assert verdict.collapse([]) == ""


def test_the_allocation_is_two_matrices_on_one_scale(stored):
    frame = flow.allocation(stored.allocation[POOL], {})
    figure = flow.allocation_figure(frame)
    chosen, best = figure.data
    assert np.asarray(chosen.z)[::-1].tolist() == stored.allocation[POOL]["chosen"]
    assert np.asarray(best.z)[::-1].tolist() == stored.allocation[POOL]["best"]
    assert chosen.coloraxis == best.coloraxis
    assert 0 <= flow.agreement(frame) <= 1


def test_regret_is_the_oracle_minus_the_router(rows):
    frame = flow.domains(rows[:1], {})
    stated = rows[0]["domains"]
    assert frame["Regret"].tolist() == pytest.approx([d["oracle"] - d["score"] for d in stated.values()])


def test_the_map_has_every_prompt_once_whatever_the_colour():
    names = tuple(f"d{i}" for i in range(len(KINDS) + 3))

    def of(count):
        at = np.arange(count)
        return LatentMap(np.zeros((count, 2)), at % len(names), at * 0, at / count, names, ("x",))

    frame = latent.latent(of(500), ["x"])
    for colour in latent.COLOURINGS:
        assert sum(len(t.x) for t in latent.latent_figure(frame, colour).data) == 500
    assert len(latent.latent_figure(frame, "Domain").data) == len(KINDS) + 1
    assert len(latent.latent(of(9000), ["x"])) == latent.MOST


def test_held_out_reads_numbers_and_objects_alike():
    flat = {"router": "a", "pool": POOL, "score": 0.78, "score_held_in": 0.8, "best_single": 0.79, "n_prompts": 9}
    deep = {**flat, "router": "b", "best_single": {"name": "x", "score": 0.79}}
    deep["above_best_single"] = {"value": -0.01, "interval": [-0.02, 0.0]}
    frame = heldout.held_out([flat, deep], {}, {})
    assert frame["Against best single"].tolist() == pytest.approx([-0.01, -0.01])
    assert frame["Lost by leaving out"].tolist() == pytest.approx([0.02, 0.02])
    assert frame["Low"].isna().tolist() == [True, False]


def test_a_loss_is_shown_task_by_task_the_largest_first(stored):
    told = stored.held_out[0]["units"]
    frame = heldout.units(told)
    assert (np.diff(frame["Held-out"]) >= 0).all()
    figure = heldout.units_figure(frame, most=3)
    assert [len(t.x) for t in figure.data] == [3, 3]


def test_a_shuffled_router_that_gains_is_filled():
    told = {"a": {"p": {"gap_closed_above_floor": 0.1, "is_clean": False}, "q": {"gap_closed_above_floor": -0.1}}}
    frame = controls.shuffled(told, {}, {})
    assert frame["Verdict"].tolist() == ["above the floor", "closes no gap"]
    assert [t.marker.symbol[0] for t in controls.shuffled_figure(frame).data] == ["circle", "square-open"]


def test_fitted_alphas_are_lines(stored):
    frame = heldout.alpha(stored.alpha)
    figure = heldout.alpha_figure(frame, stored.alpha["fitted"])
    steps = stored.alpha["held-in"]["alpha"]
    assert sorted(s.x0 for s in figure.layout.shapes) == [steps.index(3), steps.index(5)]
    assert sorted(a.text for a in figure.layout.annotations) == ["far", "near, fixed"]


def test_a_warning_is_a_gap_that_cannot_be_chance():
    told = [
        {"expert": "x", "source": "s", "train": 0.6, "test": 0.5, "gap": 0.1, "interval": [0.02, 0.18]},
        {"expert": "y", "source": "s", "train": 0.6, "test": 0.59, "gap": 0.01, "interval": [-0.02, 0.04]},
    ]
    frame = controls.contamination(told, {})
    assert frame["Warning"].tolist() == ["training above test", ""]
    assert [t.name for t in controls.contamination_figure(frame).data] == ["Warning: more than chance", "Within chance"]


def test_skills_are_read_by_name_and_by_place():
    named = {"skills": ["a", "b"], "experts": {"x": {"a": 1.0, "b": -1.0}, "y": [2.0, 2.0]}}
    frame = items.skills(named, {"x": "X"})
    assert frame["Expert"].tolist() == ["y", "X"]
    assert frame["b"].tolist() == [2.0, -1.0]
    assert items.difficulty({"difficulty_by_domain": {"easy": -1.0, "hard": {"mean": 2.0, "n_prompts": 3}}})[
        "Domain"
    ].tolist() == ["hard", "easy"]


def test_every_figure_of_complete_evidence_can_be_drawn(stored, rows):
    look = looks(DRAWN)
    lengths = calibration.lengths(stored.lengths)
    reliability = calibration.reliability(stored.reliability[POOL], DRAWN, {})
    drawn = [
        calibration.reliability_figure(reliability, look),
        calibration.lengths_figure(lengths),
        curves.deferral_figure(curves.deferral(stored.deferral, DRAWN, {}), {DEFAULT: 0.6}, look),
        curves.latency_figure(curves.latency(stored.latency, {})),
        flow.shares_figure(flow.shares(rows, {}, {})),
        flow.domains_figure(flow.domains(rows, {}), look),
        heldout.held_out_figure(heldout.held_out(stored.held_out[:6], {}, {}), look),
        heldout.against_best_figure(heldout.held_out(stored.held_out[:6], {}, {}), look),
        controls.shuffled_figure(controls.shuffled(stored.controls, {}, {})),
        controls.learning_figure(controls.learning(stored.learning, POOL, DRAWN, {}), look),
        items.skills_figure(items.skills(stored.mirt, {})),
        items.difficulty_figure(items.difficulty(stored.mirt)),
    ]
    for figure in drawn:
        assert isinstance(figure, go.Figure)
        assert figure.data
        assert figure.layout.height
    assert set(lengths["Used"]) == {"the prediction", "the expert's mean"}
    assert len(DOMAINS) == len(figure.data[0].y)


def test_a_router_looks_alike_whatever_else_is_drawn_and_no_two_look_alike():
    both = looks([DEFAULT, "a", PROMPT_BLIND]), looks(["a", "b", DEFAULT])
    assert both[0][DEFAULT] == both[1][DEFAULT]
    many = looks([f"r{i}" for i in range(18)])
    assert len({(v.colour, v.dash) for v in many.values()}) == 18


def test_an_llm_that_chose_stands_beside_the_ladder_of_its_prompts():
    reached = {"n_prompts": 50, "score": 0.6, "score_interval": [0.5, 0.7], "random": 0.55, "oracle": 0.9}
    told = [{"judge": "small", "seconds_per_call": 1.5, "pools": {POOL: reached}}, {"judge": "other", "pools": {}}]
    frame = board.asked(told, POOL, {"small": "Small"})
    assert frame["Asked"].tolist() == ["Small"]
    assert frame["95 % interval"][0] == "0.500 to 0.700"
    assert board.asked(told, "elsewhere", {}).empty
