"""Onboarding: laws of the fit on made experts, and the files that the shipped router comes with."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.catalog import ASSETS
from routing.commands.report import README
from routing.commands.validate import MARKS, with_curves
from routing.encoder import read_card
from routing.errors import DataError, GraphError
from routing.evaluation.measures import nearest
from routing.evidence_tables import between
from routing.onboarding import build
from routing.onboarding.basis import BASIS_FILE, load_basis, save_basis
from routing.onboarding.benchmarks import Benchmark, Figure, benchmark_of
from routing.onboarding.build import Known, build_basis
from routing.onboarding.fit import fit, prior
from routing.onboarding.next_probe import next_probes
from routing.onboarding.skill import Skill
from routing.onboarding.study import stored_curves
from routing.onboarding.validate import Held, leave_out, summed
from routing.predictors.links import sigmoid
from routing.predictors.onboarded import Onboarded
from routing.schema import Features, Prediction
from routing.workshop.imported import is_sound

SOURCES = ("mmlu-pro", "livecodebench")
TASKS = (("law", "physics"), ("lcb-codegen-easy", "lcb-codegen-hard"))
N_EXPERTS, N_PROMPTS = 12, 400


def made(seed=0):
    """Experts that differ by level and by one trade of law against physics, on prompts of two sources."""
    rng = np.random.default_rng(seed)
    source = np.repeat([0, 1], N_PROMPTS // 2)
    task = np.array([TASKS[s][i % 2] for i, s in enumerate(source)], dtype=object)
    trade = np.where(task == TASKS[0][0], 1.0, np.where(task == TASKS[0][1], -1.0, 0.0))
    level, leaning = rng.normal(0, 1, N_EXPERTS), rng.normal(0, 1, N_EXPERTS)
    odds = rng.normal(0, 1, N_PROMPTS)[:, None] + level + trade[:, None] * leaning
    odds += rng.normal(0, 0.05, odds.shape)
    share = np.where(source[:, None] == [0, 1], 0.97, 0.03)
    names = tuple(f"e{i:02d}" for i in range(N_EXPERTS))
    return Known("abc", names, sigmoid(odds), share, source, SOURCES, task, np.ones((2, N_EXPERTS), dtype=bool))


KNOWN = made()
BASIS = build_basis(KNOWN, without="e03")
AXES = BASIS.axes(KNOWN.score, KNOWN.share)
RNG = np.random.default_rng(1)
OUTCOMES = (RNG.random(N_PROMPTS) < KNOWN.score[:, 3]).astype(float)
ORDER = RNG.permutation(N_PROMPTS)


def error(skill):
    """Root mean squared error of a skill against the true chances of the expert left out."""
    return float(np.sqrt(((skill.predict(BASIS, AXES)[0] - KNOWN.score[:, 3]) ** 2).mean()))


def width(skill):
    _, low, high = skill.predict(BASIS, AXES)
    return float((high - low).mean())


def test_more_probes_tell_more_and_narrow_the_interval():
    skills = [prior(BASIS), *(fit(BASIS, AXES[ORDER[:n]], OUTCOMES[ORDER[:n]]) for n in (20, 80, 320))]
    widths = [width(skill) for skill in skills]
    assert widths == sorted(widths, reverse=True)
    assert error(skills[-1]) < 0.5 * error(skills[0])
    assert error(skills[-1]) < 0.08


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, N_PROMPTS - 1), min_size=1, max_size=30, unique=True))
def test_probes_never_leave_more_open_than_the_prior(rows):
    some = np.array(rows)
    after = fit(BASIS, AXES[some], OUTCOMES[some]).covariance
    assert np.linalg.eigvalsh(BASIS.covariance - after).min() > -1e-9


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(25)))
def test_the_order_of_probes_does_not_matter(order):
    rows = ORDER[:25]
    one, other = fit(BASIS, AXES[rows], OUTCOMES[rows]), fit(BASIS, AXES[rows[order]], OUTCOMES[rows[order]])
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-4)


def test_a_right_answer_never_lowers_the_predicted_score_of_that_prompt():
    row = ORDER[:1]
    before = prior(BASIS).predict(BASIS, AXES[row])[0]
    assert fit(BASIS, AXES[row], np.ones(1)).predict(BASIS, AXES[row])[0] > before
    assert fit(BASIS, AXES[row], np.zeros(1)).predict(BASIS, AXES[row])[0] < before


@pytest.mark.parametrize("score", [0.2, 0.5, 0.9])
def test_the_mean_over_a_benchmark_equals_its_figure(score):
    skill = fit(BASIS, AXES[:0], OUTCOMES[:0], figures=[Figure("MMLU-Pro", score, 0.001)])
    told = sigmoid(BASIS.benchmarks["MMLU-Pro"].axes @ skill.mean).mean()
    assert told == pytest.approx(score, abs=0.003)
    assert skill.source == "published figures"
    assert (skill.n_probes, skill.n_figures) == (0, 1)


def test_figures_leave_wider_intervals_than_probes_and_both_are_named():
    rows = ORDER[:200]
    figures = [Figure("MMLU-Pro", float(KNOWN.score[KNOWN.source == 0, 3].mean()), 0.08)]
    from_figures, from_probes = (
        fit(BASIS, AXES[:0], OUTCOMES[:0], figures=figures),
        fit(BASIS, AXES[rows], OUTCOMES[rows]),
    )
    assert width(from_figures) > width(from_probes)
    assert error(from_figures) < error(prior(BASIS))
    assert fit(BASIS, AXES[rows], OUTCOMES[rows], figures=figures).source == "probes and published figures"


@pytest.mark.parametrize(
    ("score", "figures", "message"),
    [
        ([], [], "no outcome and no figure"),
        ([1.5], [], r"score is .*1\.5.*from 0 to 1"),
        ([1.0], [Figure("MMLU-Pro", 72.5, 0.1)], "is 72.5; means lie from 0 to 1"),
        ([1.0], [Figure("MMLU-Proo", 0.7, 0.1)], "No benchmark is called 'MMLU-Proo'; known are"),
        ([1.0], [Figure("MMLU-Pro", 0.7, 0.0)], "noise of MMLU-Pro is 0; it must be above 0"),
        ([1.0, 0.0], [], "1 probes have 2 scores"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(score, figures, message):
    axes = AXES[: min(1, len(score))]
    with pytest.raises(DataError, match=message):
        fit(BASIS, axes, np.array(score), figures=figures)


def test_the_next_probe_is_the_one_that_brute_force_finds():
    skill = fit(BASIS, AXES[ORDER[:10]], OUTCOMES[ORDER[:10]])
    likely = sigmoid(AXES @ skill.mean)

    def left_open(row):
        precision = np.linalg.inv(skill.covariance)
        precision += likely[row] * (1 - likely[row]) * np.outer(AXES[row], AXES[row])
        return np.trace(np.linalg.inv(precision) @ BASIS.typical)

    asked = ORDER[:10].tolist()
    open_after = {row: left_open(row) for row in range(N_PROMPTS) if row not in asked}
    assert next_probes(BASIS, skill, AXES, KNOWN.task, asked) == [min(open_after, key=open_after.__getitem__)]


def test_probes_are_never_asked_twice_and_run_out():
    first = next_probes(BASIS, prior(BASIS), AXES[:30], KNOWN.task[:30], [], 20)
    rest = next_probes(BASIS, prior(BASIS), AXES[:30], KNOWN.task[:30], first, 20, left_out=[29])
    assert len(set(first)) == 20
    assert sorted({*first, *rest, 29}) == list(range(30))
    assert 29 not in rest


def test_every_third_probe_is_of_a_domain_not_asked_yet():
    domain = np.array(["rare" if i == 7 else "usual" for i in range(N_PROMPTS)], dtype=object)
    chosen = next_probes(BASIS, prior(BASIS), AXES, domain, [], 3)
    assert chosen[2] == 7
    assert next_probes(BASIS, prior(BASIS), AXES, domain, chosen[:2]) == [7], "and so when asked one by one"
    assert 7 not in chosen[:2]
    asked = [5, 9, 0, 7, 3]
    assert next_probes(BASIS, prior(BASIS), AXES, domain, asked) == [1], (
        "every domain was asked: the first that is left"
    )


def test_what_is_under_way_counts_as_asked():
    skill = prior(BASIS)
    together = next_probes(BASIS, skill, AXES, KNOWN.task, [], 4)
    one_by_one = list[int]()
    for _ in range(4):
        one_by_one += next_probes(BASIS, skill, AXES, KNOWN.task, [], under_way=one_by_one)
    assert one_by_one == together


def test_a_skill_survives_being_stored():
    skill = fit(BASIS, AXES[ORDER[:40]], OUTCOMES[ORDER[:40]])
    back = Skill.from_json(json.loads(json.dumps(skill.as_json())))
    for one, other in zip(skill.predict(BASIS, AXES), back.predict(BASIS, AXES), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert (back.source, back.n_probes, back.fitted) == (skill.source, 40, skill.fitted)


@pytest.mark.parametrize("change", [{"mean": "x"}, {"covariance": [1.0]}, {"source": "rumour"}, {"mean": None}])
def test_a_damaged_skill_is_refused(change):
    raw = {**prior(BASIS).as_json(), **change}
    with pytest.raises(DataError, match=r"not a stored skill.*onboard the expert again"):
        Skill.from_json(raw)


@pytest.mark.parametrize(
    "change",
    [
        {"residual": -BASIS.residual},
        {"covariance": np.triu(BASIS.covariance)},
        {"covariance": -BASIS.covariance},
        {"benchmarks": {"MMLU": Benchmark("MMLU", AXES[:61])}},
        {"benchmarks": {str(i): Benchmark(str(i), AXES[:1]) for i in range(401)}},
        {"mean": np.full_like(BASIS.mean, np.nan)},
    ],
)
def test_a_basis_from_elsewhere_is_as_training_makes_it(change):
    n_sources = len(BASIS.residual)
    assert is_sound(BASIS, n_sources)
    assert not is_sound(replace(BASIS, **change), n_sources)


def test_a_basis_survives_being_stored_and_belongs_to_one_graph(tmp_path):
    save_basis(BASIS, tmp_path / BASIS_FILE)
    back = load_basis(tmp_path, "abc")
    skill = fit(BASIS, AXES[ORDER[:40]], OUTCOMES[ORDER[:40]])
    told = skill.predict(back, back.axes(KNOWN.score, KNOWN.share))[0]
    np.testing.assert_allclose(told, skill.predict(BASIS, AXES)[0], atol=1e-3)
    assert list(back.benchmarks) == list(BASIS.benchmarks)
    assert load_basis(tmp_path, "another graph") is None
    (tmp_path / BASIS_FILE).write_bytes(b"not an archive")
    with pytest.raises(GraphError, match=f"{BASIS_FILE} is damaged"):
        load_basis(tmp_path, "abc")


def test_an_expert_left_out_takes_no_part():
    other = made()
    other.score[:, 3] = 0.5
    same = build_basis(other, without="e03")
    np.testing.assert_allclose(same.mean, BASIS.mean)
    assert not BASIS.mix[3].any()


def test_where_only_like_experts_were_measured_a_new_one_may_still_be_unlike_them(monkeypatch):
    level = KNOWN.score[KNOWN.source == 1].mean(axis=0)
    alike = np.isin(np.arange(N_EXPERTS), np.argsort(level)[4:9])
    known = replace(KNOWN, is_measured=np.stack([KNOWN.is_measured[0], alike]))
    wide = build_basis(known)
    monkeypatch.setattr(build, "ALIKE", 0.0)
    narrow = build_basis(known)

    def spread(basis):
        _, low, high = prior(basis).predict(basis, basis.axes(KNOWN.score, KNOWN.share)[KNOWN.source == 1])
        return float((high - low).mean())

    assert spread(wide) > 1.05 * spread(narrow)
    np.testing.assert_allclose(wide.mean, narrow.mean)


def test_two_experts_are_too_few():
    few = replace(KNOWN, experts=KNOWN.experts[:2], score=KNOWN.score[:, :2], is_measured=KNOWN.is_measured[:, :2])
    with pytest.raises(DataError, match="2 experts cannot tell how experts differ"):
        build_basis(few)


def test_benchmarks_gather_the_tasks_that_stand_for_them():
    assert benchmark_of("zeroeval", "gsm") == ["GSM8K"]
    assert benchmark_of("routellm", "mmlu_virology") == ["MMLU"]
    assert benchmark_of("llmrouter-ulab", "math") == ["MATH"]
    assert benchmark_of("livecodebench", "lcb-codegen-hard") == ["LiveCodeBench", "LiveCodeBench hard"]
    assert benchmark_of("own", "law") == []


class Told:
    """A predictor that says what the made router says."""

    def predict(self, features):
        score = features.heads["score"]
        return Prediction(KNOWN.experts, *(score.copy() for _ in range(6)))


def made_features(rows):
    return Features(
        vector=np.zeros((len(rows), 4), dtype=np.float32),
        heads={"score": KNOWN.score[rows], "share": KNOWN.share[rows]},
        graph_experts=KNOWN.experts,
        familiarity=np.zeros(len(rows), dtype=np.float32),
        input_tokens=np.ones(len(rows), dtype=np.int64),
        is_truncated=np.zeros(len(rows), dtype=bool),
    )


def test_onboarded_experts_are_predicted_beside_the_trained_ones():
    whole = build_basis(KNOWN)
    skill = fit(whole, whole.axes(KNOWN.score, KNOWN.share)[:50], OUTCOMES[:50])
    elsewhere = replace(skill, graph_sha256="another graph")
    told = Onboarded(Told(), {"new": skill, "e01": skill, "old": elsewhere}, whole).predict(made_features(ORDER[:7]))
    assert told.experts == (*KNOWN.experts, "new")
    np.testing.assert_array_equal(told.score[:, :N_EXPERTS], KNOWN.score[ORDER[:7]])
    assert (told.score_low[:, -1] <= told.score[:, -1]).all()
    assert (told.score[:, -1] <= told.score_high[:, -1]).all()
    assert np.isnan(told.output_tokens[:, -1]).all()
    assert np.isnan(told.latency_s[:, -1]).all()


def test_leaving_experts_out_finds_gaps_that_shrink():
    held = Held(
        score=(np.random.default_rng(5).random((N_PROMPTS, 2)) < KNOWN.score[:, [3, 5]]).astype(float),
        graph_score=KNOWN.score,
        share=KNOWN.share,
        near=nearest(np.random.default_rng(6).normal(size=(N_PROMPTS, 4)).astype(np.float32)),
        task=KNOWN.task,
        domain=KNOWN.task,
    )
    gaps = leave_out(KNOWN, ("e03", "e05"), held, held, trained=KNOWN.score, say=lambda _: None)
    rows = {(row["learned_from"], row["count"]): row for row in summed(gaps)}
    assert rows["random probes", 200]["brier"] < rows["random probes", 0]["brier"]
    assert rows["adaptive probes", 200]["rank_correlation"] > 0.9
    assert rows["all figures", 0]["brier"] < rows["random probes", 0]["brier"]
    assert {row["learned_from"] for row in summed(gaps)} >= {"random probes", "adaptive probes", "figures"}


def test_the_shipped_basis_and_curves_belong_to_the_shipped_graph():
    sha256 = read_card(ASSETS).raw["graph_sha256"]
    basis = load_basis(ASSETS, sha256)
    assert basis is not None, (
        "assets/onboarding.npz belongs to another graph; run: python -m routing onboard --validate"
    )
    assert {"MMLU-Pro", "GSM8K", "LiveCodeBench", "MedQA"} <= set(basis.benchmarks)
    curves = stored_curves()
    assert curves is not None
    assert curves["graph_sha256"] == sha256


def test_damaged_curves_say_so(tmp_path):
    (tmp_path / "onboarding.json").write_text("{")
    with pytest.raises(DataError, match=r"onboarding\.json is damaged"):
        stored_curves(tmp_path)
    assert stored_curves(tmp_path / "none") is None


def test_the_readme_agrees_with_the_stored_curves():
    readme = README.read_text(encoding="utf-8")
    assert with_curves(readme, stored_curves()) == readme, "renew it: python -m routing onboard --validate --store"
    assert between(readme, MARKS)
