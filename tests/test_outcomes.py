"""Outcome tables are checked before anything is trained or judged on them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routing.errors import DataError
from routing.outcomes import assign_splits, experts_of, measured_together, read, read_pools


def tables():
    prompts = pd.DataFrame(
        {
            "prompt_id": ["p0", "p1", "p2"],
            "text": ["Add 1 and 2", "Name a river", "Sort a list"],
            "split": ["train", "train", "test"],
            "group": ["g0", "g0", "g2"],
        }
    )
    cells = [("p0", "a", 1.0), ("p0", "b", 0.0), ("p1", "a", 0.5), ("p2", "a", 0.25), ("p2", "b", 1.0)]
    return prompts, pd.DataFrame(cells, columns=["prompt_id", "expert", "score"])


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, *tables())


def write(where: Path, prompts: pd.DataFrame, outcomes: pd.DataFrame) -> Path:
    prompts.to_parquet(where / "prompts.parquet")
    outcomes.to_parquet(where / "outcomes.parquet")
    return where


def test_optional_columns_may_be_absent(tmp_path):
    prompts, outcomes = tables()
    found = read(write(tmp_path, prompts[["prompt_id", "text"]], outcomes))
    assert not found.has_split
    assert found.rows("test").tolist() == [0, 1, 2]
    assert set(found.prompts["source"]) == {"unstated"}
    assert found.matrix("output_tokens", ["a"]).shape == (3, 1)
    assert np.isnan(found.matrix("output_tokens", ["a"])).all()


def test_matrix_keeps_what_is_missing_missing(folder):
    scores = read(folder).matrix("score", ["b", "a"])
    np.testing.assert_array_equal(scores, [[0.0, 1.0], [np.nan, 0.5], [1.0, 0.25]])


def test_characters_stand_for_tokens_where_tokens_are_missing(tmp_path):
    prompts, outcomes = tables()
    outcomes["output_tokens"] = [10.0, np.nan, np.nan, np.nan, np.nan]
    outcomes["output_chars"] = [99.0, 40.0, np.nan, np.nan, np.nan]
    tokens = read(write(tmp_path, prompts, outcomes)).matrix("output_tokens", ["a", "b"])
    np.testing.assert_array_equal(tokens[0], [10.0, 10.0])


def test_rows_of_a_split(folder):
    found = read(folder)
    assert found.rows("train").tolist() == [0, 1]
    assert found.rows("all").tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"No prompt is in the split 'validation'; the data has test, train, all"):
        found.rows("validation")


def test_prompts_measured_by_all(folder):
    assert measured_together(read(folder), ["a", "b"]).tolist() == [0, 2]
    with pytest.raises(DataError, match=r"No outcome names the expert 'c'; the data has a, b"):
        measured_together(read(folder), ["a", "c"])


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        (
            "outcomes",
            {"score": [1.0, 0.0, 1.2, 0.0, 1.0]},
            r"score of expert 'a' on prompt 'p1' is .*1\.2.*from 0 to 1",
        ),
        ("outcomes", {"score": [1.0, 0.0, None, 0.0, 1.0]}, r"score of expert 'a' on prompt 'p1' is .*nan"),
        ("outcomes", {"expert": ["a", "b", "", "a", "b"]}, r"names no expert"),
        ("outcomes", {"expert": ["a", "a", "a", "a", "b"]}, r"'p0' has two outcomes of expert 'a'"),
        ("outcomes", {"prompt_id": ["p0", "p0", "p9", "p2", "p2"]}, r"names the prompt 'p9'"),
        ("outcomes", {"score": None}, r"outcomes\.parquet has no column 'score'; it needs prompt_id, expert, score"),
        ("prompts", {"text": None}, r"prompts\.parquet has no column 'text'"),
        ("prompts", {"text": ["x", None, "z"]}, r"Prompt 'p1' has no text"),
        ("prompts", {"prompt_id": ["p0", "p0", "p2"]}, r"prompt_id 'p0' twice"),
        ("prompts", {"split": ["train", "test", "test"]}, r"Group 'g0' straddles the splits test, train"),
    ],
)
def test_bad_data_is_refused_in_one_sentence(tmp_path, table, change, message):
    made = dict(zip(("prompts", "outcomes"), tables(), strict=True))
    for column, values in change.items():
        made[table] = made[table].drop(columns=column) if values is None else made[table].assign(**{column: values})
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, made["prompts"], made["outcomes"]))


def test_missing_empty_and_damaged_tables(tmp_path, folder):
    with pytest.raises(DataError, match=r"There is no prompts\.parquet in"):
        read(tmp_path / "nowhere")
    (folder / "outcomes.parquet").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"outcomes\.parquet cannot be read"):
        read(folder)
    prompts, outcomes = tables()
    with pytest.raises(DataError, match=r"outcomes\.parquet has no rows"):
        read(write(folder, prompts, outcomes.iloc[:0]))


def test_extra_outcomes_join_the_others(folder):
    extra = folder / "extra.csv"
    extra.write_text("prompt_id,expert,score\np1,local,1\np2,local,0\n", encoding="utf-8")
    assert experts_of(extra) == ("local",)
    np.testing.assert_array_equal(read(folder, extra=extra).matrix("score", ["local"])[:, 0], [np.nan, 1.0, 0.0])
    assert experts_of(None) == experts_of(folder / "absent.csv") == ()
    assert len(read(folder, extra=folder / "absent.csv").cells) == 5


def test_splits_are_assigned_by_group_and_stay_the_same(tmp_path):
    prompts = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(300)], "text": "x"})
    prompts["group"] = [f"g{i // 3}" for i in range(300)]
    outcomes = pd.DataFrame({"prompt_id": ["p0"], "expert": ["a"], "score": [1]})
    found = assign_splits(read(write(tmp_path, prompts, outcomes)))
    assert found.prompts.groupby("group")["split"].nunique().max() == 1
    assert 0.5 < (found.prompts["split"] == "train").mean() < 0.7, "of few prompts more are held out"
    texts = [f"x {i // 2}{'.' * (i % 2)}" for i in range(2000)]
    many = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(2000)], "text": texts})
    split = assign_splits(read(write(tmp_path, many, outcomes))).prompts["split"]
    assert 0.75 < (split == "train").mean() < 0.85
    assert (split[::2].to_numpy() == split[1::2].to_numpy()).all(), "prompts that are alike stay together"
    assert assign_splits(found) is found


def test_pools(folder):
    assert read_pools(folder) == {}
    (folder / "pools.json").write_text(json.dumps({"pair": ["a", "b"]}), encoding="utf-8")
    assert read_pools(folder) == {"pair": ("a", "b")}
    (folder / "pools.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(DataError, match=r"pools\.json must be a JSON object"):
        read_pools(folder)
