"""Fits on made-up data, parity of the graph with the formulas it states, refusal of bad data before any training.

Nothing here needs torch; what does is in test_training_torch.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from scipy.special import expit, logit, softmax

from routing.catalog import ASSETS
from routing.encoder import load
from routing.errors import DataError, GraphError, PreferenceError, WeightsError
from routing.outcomes import read
from routing.registry import load_router, load_routers
from routing.runtime import open_session, run_graph
from routing.training import assemble, fits, start, train, weights
from routing.training.blend import fitted_blend
from routing.training.graph import ENCODER_OUTPUTS, cut_encoder, export_heads, join, run_heads
from routing.training.heads import INFERRED_SHARE, LEAST, outputs_of
from routing.training.tables import Fewest
from routing.word_pieces import WordPieceReader
from tests.made_outcomes import encoded_at_random, made_up, written

ROOT = Path(__file__).resolve().parent.parent
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def fitted(folder):
    """A router fitted on random vectors that tell the two kinds apart, and the features it saw."""
    outcomes, table, encoded, ids, forms = encoded_at_random(folder)
    fit = assemble.fit_router(table, encoded, forms, outcomes.rows("train"), lambda _: None, seeds=(0,))
    return table, encoded, ids, fit


def test_a_component_ridge_learns_what_separate_experts_share():
    x = RNG.normal(size=(300, 60))
    level, lead = x[:, 0], 0.2 * x[:, 1]
    truth = np.stack([level + lead, level - lead, level], axis=1)
    seen = truth + RNG.normal(size=truth.shape) * 0.5
    found = fits.component_ridge(x, seen)
    fresh = RNG.normal(size=(500, 60))
    expected = np.stack([fresh[:, 0] + 0.2 * fresh[:, 1], fresh[:, 0] - 0.2 * fresh[:, 1], fresh[:, 0]], axis=1)
    gap = found(fresh) - expected
    plain = np.stack([fits.ridge(x, seen[:, i], penalty=10.0)(fresh)[:, 0] for i in range(3)], axis=1) - expected
    differences = gap - gap.mean(axis=1, keepdims=True)
    plain_differences = plain - plain.mean(axis=1, keepdims=True)
    assert (differences**2).mean() < (plain_differences**2).mean()
    assert (gap**2).mean() < 0.1


def test_axes_of_the_expert_space_are_orthonormal_and_start_with_the_level():
    axes = fits.expert_axes(RNG.normal(size=(50, 4)))
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(axes[:, 0], 0.5)


def test_clusters_with_gaps_fall_back_on_the_mean():
    vector = np.repeat(np.eye(2), 40, axis=0)
    score = np.concatenate([np.ones((40, 1)), np.full((40, 1), np.nan)])
    found = fits.fit_clusters(vector, score, count=2, temperature=0.05, prior=5.0, seed=0)
    np.testing.assert_allclose(found.means, 1.0)


def test_shuffled_labels_fall_to_the_base_rate():
    x = RNG.normal(size=(600, 20)).astype(np.float32)
    score = (RNG.random((600, 2)) < 0.7).astype(float)
    found = fits.component_ridge(x.astype(float), score)
    assert found(x.astype(float)).std(axis=0).max() < 0.1


def test_gaps_hold_the_level_a_column_would_have_had_on_every_prompt():
    ease = np.repeat([0.3, -0.3], 50)
    score = 0.5 + ease[:, np.newaxis] + np.linspace(0.1, -0.1, 12)
    seen = score.copy()
    seen[50:, 11] = np.nan
    filled = fits.fill_gaps(seen)
    np.testing.assert_allclose(filled[50:, 11], score[50:, 11], atol=0.06)
    assert filled[:, 11].mean() < filled[:, 0].mean() < np.nanmean(seen[:, 11])
    np.testing.assert_array_equal(filled[:50], seen[:50])


def test_one_source_needs_no_classifier():
    found = fits.source_classifier(np.ones((5, 3), dtype=np.float32), np.zeros(5, dtype=np.int64), 1, penalty=1.0)
    assert softmax(found(np.ones((2, 3))), axis=1).tolist() == [[1.0], [1.0]]


def half(values):
    """As the graph stores weights."""
    return values.astype(np.float16).astype(np.float64)


def affine(x, linear):
    return x @ half(linear.weight) + linear.bias


def by_hand(fit, encoded, rows):
    """What the heads say by their formulas, in double precision, without ONNX."""
    raw = np.concatenate([encoded.vector, encoded.pooled, encoded.form()], axis=1).astype(np.float64)[rows]
    x = np.clip((raw - fit.mean) / fit.scale, -fit.limit, fit.limit)
    share = softmax(affine(x, fit.source), axis=1)
    place = x @ half(fit.axes)
    place /= np.linalg.norm(place, axis=1, keepdims=True)
    near, means, cosines = (np.zeros((len(x), fit.linear.weight.shape[1])) for _ in range(2)), None, []
    near, means = near
    for memory, sets, columns in zip(fit.memory, fit.clusters, fit.columns, strict=True):
        closeness = place @ memory.points.T.astype(float) / (127.0 * fit.temperature)
        near[:, columns] = softmax(closeness, axis=1) @ memory.scores.astype(float) / 255.0
        close = [encoded.vector[rows] @ half(found.centres.T) for found in sets]
        found = [softmax(c / f.temperature, axis=1) @ f.means for c, f in zip(close, sets, strict=True)]
        means[:, columns] = np.mean(found, axis=0)
        cosines.append(np.concatenate(close, axis=1).max(axis=1))
    said = {"clusters": means, "neighbours": near, "linear": affine(x, fit.linear)}
    foreign = (share * expit((fit.strange - np.stack(cosines, axis=1)) / fit.strange_width)).sum(axis=1)
    trust = INFERRED_SHARE + (1.0 - INFERRED_SHARE) * foreign
    inferred = fit.inferred.reshape(len(fit.columns), -1)
    weight = share[:, :, None] * (1.0 - inferred * (1.0 - trust[:, None, None]))
    weight /= weight.sum(axis=1, keepdims=True)

    def experts(columns):
        logits = logit(np.clip(columns, LEAST, 1.0 - LEAST)) @ half(fit.expansion.mix) + fit.expansion.shift
        return (expit(logits).reshape(weight.shape) * weight).sum(axis=1)

    return {
        "share": share,
        "familiarity": np.max(cosines, axis=0),
        **{f"score_{name}": experts(said[name]) for name in said},
        "score": experts(sum(fit.blend[name] * said[name] for name in said)),
    }


def test_the_graph_says_what_its_formulas_say(fitted, monkeypatch):
    table, encoded, ids, _ = fitted
    monkeypatch.setattr(assemble, "has_torch", lambda: False)
    forms = fitted[3].form_table
    fit = assemble.fit_router(table, encoded, forms, np.arange(1000), lambda _: None)
    assert set(fit.blend) == {"clusters", "neighbours", "linear"}
    rows = np.arange(1000, 1200)
    told = run_heads(export_heads(fit), encoded.vector[rows], encoded.pooled[rows], [ids[row] for row in rows])
    assert set(told) == set(outputs_of(fit))
    for name, values in by_hand(fit, encoded, rows).items():
        np.testing.assert_allclose(told[name], values, atol=1e-5, err_msg=name)
    assert (told["score_low"] <= told["score"]).all()
    assert (told["score"] <= told["score_high"]).all()


def test_the_fitted_router_knows_who_is_good_at_what(fitted):
    table, encoded, ids, fit = fitted
    graph = run_heads(export_heads(fit), encoded.vector, encoded.pooled, ids)
    kind = np.arange(len(ids)) % 2
    a, b, c = (graph["score"][:, table.experts.index(name)] for name in "abc")
    assert a[kind == 0].mean() > b[kind == 0].mean() + 0.3
    assert b[kind == 1].mean() > a[kind == 1].mean() + 0.3
    assert c.mean() > 0.6
    tokens = graph["output_tokens"][:, table.experts.index("a")]
    assert tokens[kind == 1].mean() > tokens[kind == 0].mean() + 20
    assert np.isnan(graph["output_tokens"][:, table.experts.index("b")]).all()
    assert np.isnan(graph["reading_ease"]).all()


def test_the_blend_prefers_the_better_method_and_doubts_little_data():
    truth = (RNG.random((400, 3)) < 0.5).astype(float)
    truth[0, 0] = np.nan
    said = {"good": 0.8 * np.nan_to_num(truth) + 0.1, "bad": RNG.random((400, 3))}
    many, few = fitted_blend(said, truth), fitted_blend({n: v[:5] for n, v in said.items()}, truth[:5])
    assert sum(many.values()) == pytest.approx(1.0)
    assert many["good"] > 0.85
    assert many["good"] > few["good"] >= 0.5


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("score", 1.5, r"scores must be numbers from 0 to 1"),
        ("expert", "", r"names no expert"),
        ("prompt_id", "nobody", r"names the prompt 'nobody'"),
    ],
)
def test_bad_data_is_refused_before_any_training(tmp_path, column, values, message):
    prompts, outcomes = made_up(30)
    prompts.to_parquet(tmp_path / "prompts.parquet")
    outcomes.loc[3, column] = values
    outcomes.to_parquet(tmp_path / "outcomes.parquet")
    out = tmp_path / "out"
    with pytest.raises(DataError, match=message):
        train(tmp_path, out)
    assert not out.exists()


def test_too_little_data_and_a_pool_of_unknown_experts_are_refused(tmp_path):
    written(tmp_path, 60)
    with pytest.raises(DataError, match=r"No chat expert has 1000 outcomes on training prompts .* the most is \d+"):
        train(tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match=r"the most is \d+\. Add outcomes\.$"):
        train(tmp_path, tmp_path / "out", fewest=Fewest(30, 60))
    (tmp_path / "pools.json").write_text(json.dumps({"p": ["a", "zed"]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"No outcome names the expert 'zed'"):
        train(tmp_path, tmp_path / "out")


def test_missing_weights_are_named(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_here")
    with pytest.raises(WeightsError, match="no_such_package_here"):
        weights.encoder_folder()


def test_the_encoder_cut_out_of_the_shipped_router_is_the_same_encoder(tmp_path):
    whole = load(ASSETS)
    found = start.from_router(ASSETS)
    sentence = "How many moons has Mars?"
    ids = [row.ids for row in WordPieceReader(found.tokenizer()).read([sentence])]
    vector = run_graph(open_session(found.graph.SerializeToString()), ids, ("vector",))["vector"]
    np.testing.assert_allclose(vector, whole.encode([sentence]).vector, atol=1e-5)
    with pytest.raises(GraphError, match=r"router\.onnx is missing"):
        cut_encoder(tmp_path)


def test_the_encoder_can_be_cut_out_of_what_training_writes(fitted):
    encoder = cut_encoder(ASSETS)
    again = onnx.utils.Extractor(join(encoder, fitted[3])).extract_model(
        ["input_ids", "attention_mask"], list(ENCODER_OUTPUTS)
    )
    first, second = (
        sorted(node.op_type for node in model.graph.node if node.op_type not in {"Constant", "Identity"})
        for model in (encoder, again)
    )
    assert first == second


def test_training_without_torch_says_what_it_leaves_out_and_writes_files_that_load(tmp_path, folder):
    """The whole command in a process where importing torch fails."""
    hide = tmp_path / "hide"
    hide.mkdir()
    for name in ("torch", "transformers"):
        (hide / f"{name}.py").write_text("raise ImportError('hidden by a test', name=__name__)\n", encoding="utf-8")
    out, command = tmp_path / "out", [sys.executable, "-m", "routing", "train", "--data", str(folder), "--out"]
    environ = {"PYTHONPATH": str(hide), "XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = run([*command, str(out)], environ)
    assert done.returncode == 0, done.stderr
    assert "torch is not installed, so the network is left out of the graph" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in out.iterdir()} == {
        "router.onnx",
        "router_card.json",
        "tokenizer.json",
        "sample.npz",
        "experts.csv",
        "pools.json",
    }
    form_b = run([*command, str(out), "--form", "b"], environ)
    assert form_b.returncode == 2
    assert "--form b needs torch" in form_b.stderr
    loads(out)


def run(command, environ):
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def loads(out):
    encoder = load(out)
    assert encoder.experts == ("a", "b")
    card = encoder.card.raw
    assert card["training_outcomes"] == {"a": 1200, "b": 1200}
    assert "network" not in card["blend"]
    assert sum(card["blend"].values()) == pytest.approx(1.0)
    score = encoder.encode(["Add the numbers number 7001", "Translate the sentence number 7002"]).heads["score"]
    assert score[0, 0] > score[0, 1]
    assert score[1, 1] > score[1, 0]
    offered = load_routers(assets=out)
    assert {"blend", "linear", "prompt-blind"} <= set(offered)
    assert not {"network", "multi-label", "glider"} & set(offered)
    with pytest.raises(PreferenceError, match=r"This router has no method 'network'; it offers blend, linear"):
        load_router(out, name="network")


def test_the_made_up_data_is_what_it_says(folder):
    outcomes = read(folder)
    assert len(outcomes.rows("test")) == 150
