"""Onboarding: what is stored and comes back, experts left out, predictions, and the files of the shipped router."""

import json
from dataclasses import replace

import numpy as np
import pytest

from routing.catalog import ASSETS
from routing.commands.report import README
from routing.commands.validate import MARKS, with_curves
from routing.encoder import read_card
from routing.errors import DataError, GraphError
from routing.evaluation.measures import nearest
from routing.evidence_tables import between
from routing.onboarding import build
from routing.onboarding.basis import BASIS_FILE, load_basis, save_basis
from routing.onboarding.benchmarks import Benchmark, benchmark_of
from routing.onboarding.build import build_basis
from routing.onboarding.fit import fit, prior
from routing.onboarding.skill import Skill
from routing.onboarding.study import stored_curves
from routing.onboarding.validate import Held, leave_out, summed
from routing.predictors.onboarded import Onboarded
from routing.schema import Features, Prediction
from routing.workshop.imported import is_sound
from tests.made_onboarding import AXES, BASIS, KNOWN, N_EXPERTS, N_PROMPTS, ORDER, OUTCOMES, made


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
