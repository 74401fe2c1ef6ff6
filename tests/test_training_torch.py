"""What of training needs torch: the perceptive network, form b, and the shipped training from end to end."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need torch: run `make setup-train` once")

import torch
from spox import Tensor, argument, build

from routing.encoder import load
from routing.runtime import open_session
from routing.schema import Features
from routing.training import assemble, finetune, heads, perceptive, train, weights
from routing.training.graph import WIDTH
from routing.training.heads import outputs_of
from tests.made_outcomes import PIECES, encoded_at_random, written

# torch warns about its own exporter and its parts; none of it is ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp("data"))


def test_a_network_in_the_graph_says_what_it_said_in_torch(folder):
    outcomes, table, encoded, _, forms = encoded_at_random(folder)
    fit = assemble.fit_router(table, encoded, forms, outcomes.rows("train"), lambda _: None, seeds=(0,))
    assert "score_network" in outputs_of(fit)
    features = assemble.Scaled(encoded, outcomes.rows("train"))
    net = perceptive.fit_perceptive(features.x[:800], table.score[:800], seed=1)
    x = argument(Tensor(np.float32, ("batch", features.x.shape[1])))
    graph = build({"x": x}, {"said": heads._network(perceptive.as_arrays(net, 3), x)})
    (said,) = open_session(graph.SerializeToString()).run(None, {"x": features.x[:50]})
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(features.x[:50]))).numpy()[:, :3]
    np.testing.assert_allclose(said, expected, atol=1e-3)  # weights are kept in half precision


def test_the_masked_loss_ignores_what_was_not_measured():
    score = torch.tensor([[1.0, float("nan")]])
    losses = [perceptive.masked_loss(torch.tensor([[2.0, other]]), score) for other in (-9.0, 9.0)]
    assert losses[0] == losses[1]


def test_the_same_seed_gives_the_same_network():
    x = RNG.normal(size=(512, 8)).astype(np.float32)
    score = (RNG.random((512, 3)) < 0.5).astype(float)
    nets = [perceptive.fit_perceptive(x, score, seed=3) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


@pytest.mark.filterwarnings("ignore")
def test_training_end_to_end_writes_files_that_load(tmp_path, folder):
    pytest.importorskip(weights.PACKAGE, reason="the encoder's weights are not installed: run `make setup-train` once")
    card = train(folder, tmp_path / "out", cache=tmp_path / "cache")
    encoder = load(tmp_path / "out")
    assert encoder.experts == ("a", "b")
    assert card["training_outcomes"] == {"a": 1200, "b": 1200}
    features: Features = encoder.encode(["Add the numbers number 7001", "Translate the sentence number 7002"])
    score = features.heads["score"]
    assert score[0, 0] > score[0, 1]
    assert score[1, 1] > score[1, 0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *(
            "router.onnx",
            "router_card.json",
            "tokenizer.json",
            "sample.npz",
            "methods.npz",
            "cards.json",
            "pools.json",
            "experts.csv",
        ),
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
