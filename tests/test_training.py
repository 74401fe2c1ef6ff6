"""Fits on made-up data, parity of the graph with the network it came from, refusal of bad data before any training."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="training needs torch: run `make train` once to install it")
pytest.importorskip("sklearn", reason="training needs scikit-learn: run `make train` once to install it")
pytest.importorskip("onnx", reason="training needs onnx: run `make train` once to install it")

import torch

from routing.encoder import load
from routing.errors import DataError, WeightsError
from routing.outcomes import read
from routing.schema import Features
from routing.training import assemble, finetune, fits, perceptive, train, weights
from routing.training.features import FORM_CLASSES, Encoded
from routing.training.graph import export_heads, run_heads
from routing.training.heads import OUTPUTS, Heads, _trusted
from routing.training.tables import build_table

# torch warns about its own exporter and its parts; none of it is ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
RNG = np.random.default_rng(0)
PIECES, WIDTH = 50, weights.WIDTH


def made_up(count=1500, *, split=True):
    """Prompts of two kinds; expert a is good at the first kind, b at the second, c everywhere but only in source t."""
    kind = np.arange(count) % 2
    verb = np.where(kind == 0, "Add the numbers", "Translate the sentence")
    words = [a + b + c for a in "bdfklmnprst" for b in "aeio" for c in "knt"]
    prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(count)],
            "text": [f"{v} number {i} {' '.join(RNG.choice(words, 5))}" for i, v in enumerate(verb)],
            "source": np.where(np.arange(count) % 5 == 0, "t", "s"),
            "task": "made up",
        }
    )
    if split:
        prompts["split"] = np.where(
            np.arange(count) % 10 == 1, "test", np.where(np.arange(count) % 10 == 2, "validation", "train")
        )
    chance = {"a": np.where(kind == 0, 0.9, 0.2), "b": np.where(kind == 0, 0.2, 0.9), "c": np.full(count, 0.8)}
    rows = [
        (f"p{i}", name, float(RNG.random() < chance[name][i]), 100.0 + 50 * kind[i] if name == "a" else np.nan)
        for i in range(count)
        for name in chance
        if name != "c" or i % 5 == 0
    ]
    return prompts, pd.DataFrame(rows, columns=["prompt_id", "expert", "score", "output_tokens"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("data")
    prompts, outcomes = made_up()
    prompts.to_parquet(where / "prompts.parquet")
    outcomes.to_parquet(where / "outcomes.parquet")
    return where


@pytest.fixture(scope="module")
def fitted(folder):
    """A router fitted on random vectors that tell the two kinds apart, and the features it saw."""
    outcomes = read(folder)
    table = build_table(outcomes, extra_experts=["c"])
    kind = np.arange(len(outcomes.prompts)) % 2
    vector = RNG.normal(size=(len(kind), WIDTH)) * 0.02
    vector[:, 0] += np.where(kind == 0, 1.0, -1.0)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    ids = [RNG.integers(0, PIECES, size=RNG.integers(4, 12)).tolist() for _ in kind]
    forms = RNG.integers(0, 2, size=(PIECES, len(FORM_CLASSES))).astype(np.uint8)
    encoded = Encoded(
        vector=vector.astype(np.float32),
        pooled=RNG.normal(size=vector.shape).astype(np.float32),
        local=RNG.normal(size=vector.shape).astype(np.float32),
        counts=np.stack([forms[row].sum(axis=0) for row in ids]).astype(np.float32),
        read=np.array([len(row) for row in ids], dtype=np.float32),
        tokens=np.array([len(row) for row in ids]),
    )
    fit = assemble.fit_router(table, encoded, forms, outcomes.rows("train"), lambda _: None)
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


def test_the_masked_loss_ignores_what_was_not_measured():
    score = torch.tensor([[1.0, float("nan")]])
    losses = [perceptive.masked_loss(torch.tensor([[2.0, other]]), score) for other in (-9.0, 9.0)]
    assert losses[0] == losses[1]


def test_the_same_seed_gives_the_same_network():
    x = RNG.normal(size=(512, 8)).astype(np.float32)
    score = (RNG.random((512, 3)) < 0.5).astype(float)
    nets = [perceptive.fit_perceptive(x, score, seed=3) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


def test_the_graph_agrees_with_the_network_it_was_exported_from(fitted):
    _, encoded, ids, fit = fitted
    heads = Heads(fit).eval()
    rows = slice(0, 40)
    width = max(len(row) for row in ids[rows])
    padded = torch.tensor([row + [0] * (width - len(row)) for row in ids[rows]])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids[rows]])
    with torch.no_grad():
        mine = heads(torch.from_numpy(encoded.vector[rows]), torch.from_numpy(encoded.pooled[rows]), padded, mask)
    graph = run_heads(export_heads(heads), encoded.vector[rows], encoded.pooled[rows], ids[rows])
    for name, values in zip(OUTPUTS, mine, strict=True):
        np.testing.assert_allclose(graph[name], values.numpy(), atol=2e-3, err_msg=name)


def test_form_features_of_the_network_are_those_it_was_fitted_on(fitted):
    table, encoded, ids, fit = fitted
    scaled = assemble.Scaled(encoded, np.flatnonzero(np.arange(len(ids)) % 10 > 2))
    heads = Heads(replace(fit, mean=scaled.mean, scale=scaled.scale)).eval()
    one = torch.tensor([ids[7]])
    with torch.no_grad():
        x = heads.features(
            torch.from_numpy(encoded.vector[7:8]), torch.from_numpy(encoded.pooled[7:8]), one, torch.ones_like(one)
        )
    np.testing.assert_allclose(x.numpy()[0], scaled.x[7], atol=1e-4)
    assert table.score.shape[0] == len(ids)


def test_the_fitted_router_knows_who_is_good_at_what(fitted):
    table, encoded, ids, fit = fitted
    graph = run_heads(export_heads(Heads(fit)), encoded.vector, encoded.pooled, ids)
    kind = np.arange(len(ids)) % 2
    a, b, c = (graph["score"][:, table.experts.index(name)] for name in "abc")
    assert a[kind == 0].mean() > b[kind == 0].mean() + 0.3
    assert b[kind == 1].mean() > a[kind == 1].mean() + 0.3
    assert c.mean() > 0.6
    tokens = graph["output_tokens"][:, table.experts.index("a")]
    assert tokens[kind == 1].mean() > tokens[kind == 0].mean() + 20
    assert np.isnan(graph["output_tokens"][:, table.experts.index("b")]).all()
    assert np.isnan(graph["reading_ease"]).all()


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
    prompts, outcomes = made_up(60)
    prompts.to_parquet(tmp_path / "prompts.parquet")
    outcomes.to_parquet(tmp_path / "outcomes.parquet")
    with pytest.raises(DataError, match=r"No chat expert has 1000 outcomes on training prompts; the most is \d+"):
        train(tmp_path, tmp_path / "out")
    (tmp_path / "pools.json").write_text(json.dumps({"p": ["a", "zed"]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"No outcome names the expert 'zed'"):
        train(tmp_path, tmp_path / "out")


def test_missing_weights_are_named(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_here")
    with pytest.raises(WeightsError, match="no_such_package_here"):
        weights.encoder_folder()


@pytest.mark.filterwarnings("ignore")
def test_training_end_to_end_writes_files_that_load(tmp_path, folder):
    pytest.importorskip(weights.PACKAGE, reason="the encoder's weights are not installed: run `make train` once")
    card = train(folder, tmp_path / "out", cache=tmp_path / "cache")
    encoder = load(tmp_path / "out")
    assert encoder.experts == ("a", "b")
    assert card["training_outcomes"] == {"a": 1200, "b": 1200}
    features: Features = encoder.encode(["Add the numbers number 7001", "Translate the sentence number 7002"])
    score = features.heads["score"]
    assert score[0, 0] > score[0, 1]
    assert score[1, 1] > score[1, 0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("router.onnx", "router_card.json", "tokenizer.json", "sample.npz", "methods.npz", "cards.json"),
    }


def tiny_lesson(count=240):
    """Prompts of piece 5 or 6 between noise; the first expert is right on the one kind, the second on the other."""
    kind = np.arange(count) % 2
    ids = [[1, 5 + int(k), *RNG.integers(10, PIECES, size=1 + i % 20).tolist(), 2] for i, k in enumerate(kind)]
    score = np.stack([kind, 1 - kind, np.full(count, np.nan)], axis=1).astype(float)
    width = 2 * WIDTH + 2
    return finetune.Lesson(
        ids=ids,
        form=np.zeros((count, 2), dtype=np.float32),
        mean=np.zeros(width),
        scale=np.full(width, 0.05),
        score=score,
        tokens=np.where(np.isnan(score), np.nan, 100.0 + 200.0 * score),
        train=np.arange(0, 160),
        validation=np.arange(160, count),
    )


def tiny_bert():
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = {"num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
    config = BertConfig(vocab_size=PIECES, hidden_size=WIDTH, max_position_embeddings=256, **size)
    config._attn_implementation = "eager"
    return BertModel(config, add_pooling_layer=False)


def test_tuning_lowers_the_validation_loss_keeps_checkpoints_and_repeats(tmp_path):
    lesson, bert = tiny_lesson(), tiny_bert()
    net = perceptive.Perceptive(torch.zeros(3), lesson.mean.size)
    before = {name: weight.clone() for name, weight in bert.state_dict().items()}
    runs = [finetune.tune(bert, net, lesson, passes=6, keep=tmp_path) for _ in range(2)]
    checks = runs[0][1]
    assert min(seen.score_loss for seen in checks) < checks[0].score_loss
    assert checks == runs[1][1]
    assert (tmp_path / "1.pt").is_file()
    after = runs[0][0].state_dict()
    assert all(torch.equal(bert.state_dict()[name], weight) for name, weight in before.items())
    moved = {name for name, weight in before.items() if not torch.equal(after[name], weight)}
    assert "embeddings.word_embeddings.weight" not in moved
    assert any("layer.0" in name for name in moved)


def test_the_learning_rate_rises_shortly_and_ends_at_zero():
    rates = [finetune._rate(step, 100) for step in range(101)]
    assert rates[0] < rates[3] < max(rates) <= 1.0
    assert rates[100] == 0.0


def test_gaps_hold_the_level_a_column_would_have_had_on_every_prompt():
    ease = np.repeat([0.3, -0.3], 50)
    score = 0.5 + ease[:, np.newaxis] + np.linspace(0.1, -0.1, 12)
    seen = score.copy()
    seen[50:, 11] = np.nan
    filled = fits.fill_gaps(seen)
    np.testing.assert_allclose(filled[50:, 11], score[50:, 11], atol=0.06)
    assert filled[:, 11].mean() < filled[:, 0].mean() < np.nanmean(seen[:, 11])
    np.testing.assert_array_equal(filled[:50], seen[:50])


def test_a_prompt_foreign_to_its_likely_source_trusts_inferred_places():
    inferred = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])  # the first expert was measured in the second source only
    trusted = _trusted(torch.tensor([[0.9, 0.1], [0.9, 0.1]]), torch.tensor([0.0, 1.0]), inferred)
    torch.testing.assert_close(trusted.sum(dim=1), torch.ones(2, 2))
    assert trusted[0, 0, 0] < 0.25
    torch.testing.assert_close(trusted[1, :, 0], torch.tensor([0.9, 0.1]))
    torch.testing.assert_close(trusted[:, 0, 1], torch.tensor([0.9, 0.9]))
