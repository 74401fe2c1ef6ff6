"""A refit learns what there is to learn, learns nothing from shuffled labels, and says when it cannot run."""

import sys

import numpy as np
import pytest

from routing.errors import DataError, RoutingError
from routing.evaluation.refit import Bench, open_bench
from routing.outcomes import read

pytest.importorskip("torch", reason="training needs torch: run `make setup-train` once")
pytest.importorskip("sklearn", reason="training needs scikit-learn: run `make setup-train` once")
pytest.importorskip("onnx", reason="training needs onnx: run `make setup-train` once")

from routing.evaluation.told import tell
from routing.training.features import FORM_CLASSES, Encoded
from routing.training.graph import WIDTH
from routing.training.tables import build_table
from tests.test_training import made_up

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
NAMES = ["blend", "clusters", "neighbours"]
COUNT, PIECES = 1700, 50


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Prompts of two kinds that the vectors tell apart; experts a and b are each good at one kind."""
    where = tmp_path_factory.mktemp("data")
    prompts, cells = made_up(COUNT)
    prompts.to_parquet(where / "prompts.parquet")
    cells.to_parquet(where / "outcomes.parquet")
    outcomes, rng = read(where), np.random.default_rng(0)
    vector = rng.normal(size=(COUNT, WIDTH)) * 0.02
    vector[:, 0] += np.where(np.arange(COUNT) % 2 == 0, 1.0, -1.0)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    pieces = [rng.integers(0, PIECES, size=6).tolist() for _ in range(COUNT)]
    forms = rng.integers(0, 2, size=(PIECES, len(FORM_CLASSES))).astype(np.uint8)
    noise = rng.normal(size=vector.shape).astype(np.float32)
    counts = np.stack([forms[row].sum(axis=0) for row in pieces]).astype(np.float32)
    six, none = np.full(COUNT, 6), np.zeros(COUNT, dtype=bool)
    encoded = Encoded(vector.astype(np.float32), noise, noise, counts, six.astype(np.float32), six, none, pieces)
    return Bench(outcomes, encoded, pieces, forms, build_table(outcomes, extra_experts=["c"]))


def error(found, name, table, rows, train):
    """Mean squared errors on source s of what was told, and of every expert's mean training score."""
    columns = table.columns_of(table.sources.index("s"))
    here = table.rows_of(table.sources.index("s"), rows)
    truth = table.score[np.ix_(here, columns)]
    place = [found.experts.index(table.experts[i]) for i in table.column_expert[columns]]
    guess = found.score[name][np.searchsorted(found.rows, here)][:, place]
    mean = np.nanmean(table.score[np.ix_(table.rows_of(table.sources.index("s"), train), columns)], axis=0)
    return float(np.nanmean((guess - truth) ** 2)), float(np.nanmean((mean - truth) ** 2))


def test_what_is_learned_and_what_shuffled_labels_teach(bench):
    train, test = bench.outcomes.rows("train"), bench.outcomes.rows("test")
    learned = tell(bench, bench.table, train, test, NAMES, lambda _: None)
    nothing = tell(bench, bench.shuffled(train, 1), train, test, NAMES, lambda _: None)
    for name in NAMES:
        good, base = error(learned, name, bench.table, test, train)
        bad, _ = error(nothing, name, bench.table, test, train)
        assert good < 0.8 * base, name
        assert bad > 0.95 * base, f"{name} learned something from shuffled labels"


def test_shuffling_deals_labels_out_within_a_source_and_leaves_other_prompts_alone(bench):
    train, test = bench.outcomes.rows("train"), bench.outcomes.rows("test")
    shuffled = bench.shuffled(train, 1)
    np.testing.assert_array_equal(shuffled.score[test], bench.table.score[test])
    assert not np.array_equal(shuffled.score[train], bench.table.score[train], equal_nan=True)
    for source in range(len(bench.table.sources)):
        rows = bench.table.rows_of(source, train)
        np.testing.assert_allclose(
            np.sort(shuffled.score[rows], axis=0), np.sort(bench.table.score[rows], axis=0), equal_nan=True
        )


def test_fewer_prompts_may_know_fewer_experts(bench):
    train = bench.outcomes.rows("train")
    without = train[bench.table.source[train] != bench.table.sources.index("t")]
    assert bench.table_of(without).sources == ("s",)
    assert bench.table_of(without).experts == ("a", "b")
    with pytest.raises(DataError, match="No chat expert has 1000 outcomes on training prompts"):
        bench.table_of(train[:100])


def test_a_refit_without_the_libraries_of_training_is_one_sentence(bench, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "routing.training.prepared", None)
    with pytest.raises(RoutingError, match=r"Refitting needs routing\.training\.prepared.*make setup-train"):
        open_bench(tmp_path, bench.outcomes, lambda _: None)
