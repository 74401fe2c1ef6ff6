"""Stored evidence comes back as it was, is refused when damaged, and agrees with the README."""

import json
from pathlib import Path

import numpy as np
import pytest

from routing.catalog import ASSETS
from routing.commands.report import README, report_all
from routing.errors import DataError
from routing.evidence import EVIDENCE_JSON, EVIDENCE_NPZ, Evidence, rounded
from routing.evidence_tables import TABLES, between, replaced, rewritten

MOST_BYTES = 1_500_000


def row(pool="two", router="blend", **other):
    return {
        **{"pool": pool, "router": router, "kind": "predictor", "n_prompts": 1234, "score": 0.7777},
        **{"score_interval": [0.7, 0.8], "best_single": {"name": "a", "score": 0.75}, "p_value": 0.01},
        **{"aiq_above_static_mix": 0.05, "aiq_above_static_mix_interval": [0.04, 0.06], "cost_at": {"99": 0.26}},
        **{"apgr": None, "apgr_interval": None, "is_collapsed": False, **other},
    }


def made(**other):
    arrays = {
        "map/two/xy": np.zeros((3, 2), dtype=np.float16),
        "map/two/domain": np.array([0, 1, 1], dtype=np.uint8),
        "map/two/best": np.array([1, 0, 0], dtype=np.uint8),
        "map/two/regret": np.array([0, 0.5, 1], dtype=np.float16),
    }
    names = {"two": {"domains": ["maths", "law"], "experts": ["a", "b"]}}
    oracle = row(router="oracle", kind="baseline", aiq_above_static_mix=None, score=0.9)
    facts = {"split": "test", "date": "2026-11-22", "machine": "here", "n_prompts": 1234}
    return Evidence(**facts, arrays=arrays, map_names=names, leaderboard=[row(), oracle], **other)


def test_evidence_comes_back_and_its_map_has_names(tmp_path):
    made(about={"map": "axes"}).save(tmp_path)
    again = Evidence.load(tmp_path)
    assert again.leaderboard[0]["score"] == 0.7777
    assert again.about == {"map": "axes"}
    drawn = again.latent_map("two")
    assert drawn.domains == ("maths", "law")
    assert drawn.domain.tolist() == [0, 1, 1]
    assert again.latent_map("three") is None
    assert not list(tmp_path.glob(".*")), "nothing unfinished is left"


@pytest.mark.parametrize("name", [EVIDENCE_JSON, EVIDENCE_NPZ])
def test_damaged_or_missing_evidence_is_one_sentence(tmp_path, name):
    made().save(tmp_path)
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(DataError, match=r"The stored evidence in .* is missing or damaged .*routing report"):
        Evidence.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match="is missing or damaged"):
        Evidence.load(tmp_path)


def test_numbers_are_kept_to_five_digits():
    assert rounded([1 / 3, 1234567.0, True, 7, None]) == [0.33333, 1234600.0, True, 7, None]


def test_tables_replace_what_stands_between_marks_and_nothing_else():
    readme = "before\n<!-- quality:start -->\nold\n<!-- quality:end -->\nafter\n"
    new = replaced(readme, "quality", "new")
    assert new == readme.replace("old", "new")
    assert between(new, "quality") == "new"
    assert replaced(new, "held-out", "lost") == new
    assert between(new, "held-out") is None


def test_the_tables_say_what_is_stored():
    lost = {"protocol": "tasks", "n_known": 1, "n_members": 2, "score_held_in": 0.8, "above_best_single": -0.02}
    left = row(**lost, above_best_single_interval=[-0.03, -0.01])
    spread = {"error": 10.0, "error_of_mean": 12.0, "rank_correlation": 0.5, "rank_correlation_of_mean": None}
    gain = {"above_floor": 0.012, "is_clean": False}
    evidence = made(
        held_out=[left],
        controls={"blend": {"two": gain}},
        lengths={"verbosity": {"held-in": {**spread, "used": "mean"}}},
    )
    tables = {name: make(evidence) for name, make in TABLES.items()}
    assert "| two | blend | 1,234 | 0.050 (0.040 to 0.060) | 0.26 | 0.778 (0.700 to 0.800)" in tables["quality"]
    assert "| oracle | 0.900 |" in tables["quality"]
    assert (
        "| tasks | two | blend | 1,234 | 1 of 2 | 0.800 | 0.778 | 0.750 | -0.020 (-0.030 to -0.010) | no |"
        in (tables["held-out"])
    )
    assert "| blend | +0.012 ! |" in tables["controls"]
    assert "| verbosity | held-in | 10.0 | 12.0 | 0.500 |  | mean |" in tables["lengths"]


def test_a_report_without_data_says_so():
    with pytest.raises(DataError, match="There is nothing to measure on: give --data DIR"):
        report_all(None, split="test", with_refits=False, from_stored=False)


def test_the_readme_agrees_with_what_is_stored():
    if not (ASSETS / EVIDENCE_JSON).is_file():
        pytest.skip("no evidence is stored yet: python -m routing report")
    readme = README.read_text(encoding="utf-8")
    assert rewritten(readme, Evidence.load()) == readme, "renew the tables: python -m routing report --from-stored"
    assert all(between(readme, name) is not None for name in TABLES)


def test_what_is_stored_is_small_and_holds_no_prompt(outcome_data):
    import pandas as pd

    files = [ASSETS / name for name in (EVIDENCE_JSON, EVIDENCE_NPZ)]
    if not files[0].is_file():
        pytest.skip("no evidence is stored yet: python -m routing report")
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    words = set(_strings(json.loads(files[0].read_text(encoding="utf-8"))))
    texts = pd.read_parquet(Path(outcome_data) / "prompts.parquet", columns=["text"])["text"]
    assert not words & set(texts)
    about = set(json.loads(files[0].read_text(encoding="utf-8"))["about"].values())
    assert max(map(len, words - about)) < 100, "a text this long is not the name of anything"
    with np.load(files[1], allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fui" for name in arrays.files)


def _strings(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value
