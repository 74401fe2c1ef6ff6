"""Uploads, checks, summaries and verdicts of own routers: whatever a file holds, the answer is one sentence."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from routing.errors import DataError, StoreError
from routing.outcomes import alike
from routing.workshop import bounds, job, places, reading, uploads
from routing.workshop.checking import check
from routing.workshop.columns import Columns, guess, likely_scale
from routing.workshop.summary import outlook
from routing.workshop.verdict import verdict

ROOT = Path(__file__).resolve().parent.parent
OWNER = "ann@example.org"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def table(count=150, **changes):
    """A long table of two experts in a row for every prompt, as text."""
    rows = [
        {"prompt": f"What is {i} plus {i}?", "model": name, "score": str((i + k) % 2), "tokens": str(10 + i)}
        for i in range(count)
        for k, name in enumerate(("alpha", "beta"))
    ]
    return pd.DataFrame(rows, dtype=object).assign(**changes)


LONG = Columns(prompt="prompt", expert="model", score="score", scale="0 to 1")


def parquet(frame, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(frame, sink, **options)
    return sink.getvalue().to_pybytes()


def test_the_three_kinds_of_file_come_to_the_same_table():
    frame = table(3)
    files = {
        "log.csv": frame.to_csv(index=False, sep=";").encode(),
        "log.jsonl": "\n".join(json.dumps(row) for row in frame.to_dict("records")).encode(),
        "log.parquet": parquet(pa.Table.from_pandas(frame.assign(score=frame["score"].astype(int)))),
    }
    for name, content in files.items():
        kept = uploads.keep(OWNER, (name, content))
        assert kept.read().to_dict("records") == frame.to_dict("records"), name
        assert kept.columns == tuple(frame.columns)
    assert uploads.load("bob@example.org") is None


def test_unicode_text_of_a_spreadsheet_and_byte_order_marks_are_read(tmp_path):
    frame = pd.DataFrame({"prompt": ["Größe?\n2 Zeilen", "日本, 'x'"], "score": ["1", "0"]}, dtype=object)
    rows, lines = frame.to_dict("records"), "\n".join(json.dumps(row) for row in frame.to_dict("records"))
    tabs = frame.to_csv(index=False, sep="\t", lineterminator="\r\n")
    files = {
        "marked.csv": frame.to_csv(index=False).encode("utf-8-sig"),
        "Unicode text.TXT": tabs.encode("utf-16"),
        "big end.tsv": b"\xfe\xff" + tabs.encode("utf-16-be"),
        "marked.ndjson": lines.encode("utf-16"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        assert reading.read_table(tmp_path / name, uploads.kind_of(name)).frame.to_dict("records") == rows, name
    for content, said in (
        (tabs.encode("utf-32"), "neither UTF-8 nor UTF-16 with a byte order mark"),
        ("a,b\n1,\x00\x00\x00\x002\n".encode("utf-16"), "full of NUL bytes"),
    ):
        (tmp_path / "bad.csv").write_bytes(content)
        with pytest.raises(DataError, match=said):
            reading.read_table(tmp_path / "bad.csv", "csv")


NESTED = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.doc", b"x", r"'log.doc' is no CSV, JSONL or Parquet file"),
        ("log.csv", b"", r"The file is empty \(0 bytes\)"),
        ("log.csv", b"a,b\n" + b"\x00" * 9, r"full of NUL bytes"),
        ("log.csv", b"\x1f\x8b\x08" + b"x" * 9, r"compressed with gzip\. Unpack it and upload that"),
        ("log.csv", b"PK\x03\x04" + b"x" * 9, r"a zip archive or an Excel workbook"),
        ("log.csv", b"\n \n", r"has no header"),
        ("log.csv", b'a,b\n1,2\n"1,2\n3,4\n', r"a quotation mark on line 3 is never closed"),
        ("log.csv", b'a,b\n1,"2" or\n', r"line 2 has text behind a closing quotation mark"),
        ("log.csv", "a,b\n1,2\n".encode("utf-16-le"), r"neither UTF-8 nor UTF-16 with a byte order mark"),
        ("log.csv", b"a,b\n1,2,3,4\n", r"No row can be read\. Rows with more than the 2 cells .*: row 2 \(4 cells\)"),
        ("log.csv", b"a,b\n", r"no rows below its header"),
        ("log.csv", (",".join(f"c{i}" for i in range(200)) + "\n" + "1," * 199 + "1\n").encode(), r"200 columns"),
        (
            "log.jsonl",
            b'{"a": 1}\nnonsense\n',
            r"1 of 2 lines are no JSON object: line 2 is not JSON \(Expecting value",
        ),
        ("log.jsonl", b"[1, 2]\n", r"a JSON list without objects"),
        ("log.jsonl", b"3\n4\n", r"2 of 2 lines are no JSON object: line 1 is a number"),
        ("log.jsonl", b'{"log": [{"role": "user"}]}\n', r"No column holds text or numbers\. .* left out: 'log'"),
        ("log.jsonl", NESTED, r"line 1 is nested too deeply|left out: 'a'"),
        ("log.parquet", b"PAR1nonsense", r"not a readable Parquet table"),
        ("../../etc/passwd.csv", b"a\n", r"no rows"),
    ],
)
def test_a_hostile_file_gets_a_sentence_and_leaves_nothing(name, content, message):
    with pytest.raises(DataError, match=message):
        uploads.keep(OWNER, (name, content))
    assert uploads.load(OWNER) is None
    assert not list(places.home(OWNER).rglob("*.*"))


def test_a_parquet_bomb_is_refused_before_and_while_it_unpacks(monkeypatch):
    bomb = pa.table({"prompt": pa.array(["x" * 2_000_000] * 1000).dictionary_encode(), "n": list(range(1000))})
    content = parquet(bomb, compression="zstd")
    assert len(content) < 1_000_000
    with pytest.raises(DataError, match=r"unpacks to|within its bounds|memory"):
        uploads.keep(OWNER, ("bomb.parquet", content))
    nested = pa.table({"messages": pa.array([[{"role": "user"}]])})
    with pytest.raises(
        DataError,
        match=r"No column holds text or numbers\. Columns of lists, objects or bytes are left out: 'messages'",
    ):
        uploads.keep(OWNER, ("log.parquet", parquet(nested)))
    monkeypatch.setattr(reading, "MOST_ROWS", 5)
    path = places.root() / "many.csv"
    path.write_text("a\n" + "1\n" * 9, encoding="utf-8")
    with pytest.raises(DataError, match=r"more than 5 rows"):
        reading.read_table(path, "csv")


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (["0.2", "1"], "0 to 1"),
        (["1", "0"], "0 to 1"),
        (["True", "false"], "yes or no"),
        (["5", "3", "1"], "1 to 5 stars"),
        (["7.5", "10"], "0 to 10"),
        (["88", "3"], "0 to 100"),
        (["-1", "900"], ""),
        (["great"], ""),
        (["", ""], ""),
    ],
)
def test_a_scale_is_proposed(values, scale):
    assert likely_scale([pd.Series(values, dtype=object)]) == scale


def test_columns_are_guessed_from_names_and_from_what_they_hold():
    long = pd.DataFrame({"Question": ["x"], "Model": ["a"], "is_correct": ["1"], "Completion Tokens": ["5"]})
    assert guess(long) == Columns("Question", "Model", "is_correct", (), {"output_tokens": "Completion Tokens"})
    wide = pd.DataFrame({"prompt": ["x", "y"], "alpha": ["0", "1"], "beta": ["1", ""], "note": ["good one", "z"]})
    assert guess(wide).wide == ("alpha", "beta")


def test_a_clean_table_is_split_by_group_and_nothing_is_lost():
    found = check(table(), LONG, first_row=2)
    assert (found.problems, found.stops, found.n_bad) == ((), (), 0)
    assert len(found.prompts) == 150
    assert len(found.outcomes) == 300
    assert set(found.prompts["split"]) == {"train", "validation", "test"}
    again = check(table(), LONG, first_row=2)
    assert (again.prompts["split"] == found.prompts["split"]).all()


def test_prompts_that_differ_in_case_and_spaces_alone_never_cross_a_split():
    frame = table()
    twins = frame.assign(prompt=frame["prompt"].str.upper() + "  ")
    found = check(pd.concat([frame, twins], ignore_index=True), LONG, first_row=2)
    assert len(found.prompts) == 300
    by_group = found.prompts.groupby("group")["split"].nunique()
    assert len(by_group) == 150
    assert (by_group == 1).all()
    assert alike("  What\n IS it? ") == alike("what is it") != alike("what is it, then")


def test_what_cannot_be_used_is_named_by_row_and_column():
    frame = table()
    frame.loc[3, "score"], frame.loc[5, "model"], frame.loc[7, "prompt"] = "1.5", "日本", "  "
    frame.loc[9, "tokens"] = "many"
    found = check(frame, replace(LONG, optional={"output_tokens": "tokens"}), first_row=2)
    said = {(one.row, one.column): one.text for one in found.problems}
    assert said[(5, "score")] == "'1.5' is no score on the scale 0 to 1."
    assert "cannot name an expert" in said[(7, "model")]
    assert said[(9, "prompt")] == "is empty; a prompt is needed."
    assert said[(11, "tokens")] == "'many' is no number of at least 0, so it counts as unknown."
    assert found.n_bad == 3, "what is optional costs its cell alone"
    assert len(found.outcomes) == 297
    assert any("1 cells of tokens are no number" in note for note in found.notes)


def test_scales_wide_tables_and_repeats():
    frame = pd.DataFrame({"prompt": [f"p {i}" for i in range(120)], "my expert": ["5", "1"] * 60, "b": ["3", ""] * 60})
    columns = Columns(prompt="prompt", wide=("my expert", "b"), scale="1 to 5 stars")
    found = check(frame.astype(object), columns, first_row=2)
    by = found.outcomes.groupby("expert")["score"]
    assert by.size().to_dict() == {"b": 60, "my-expert": 120}
    assert by.mean().to_dict() == {"b": 0.5, "my-expert": 0.5}
    assert found.notes[0] == "60 cells without a score are no outcomes."
    assert "so 'my expert' is called my-expert." in found.notes[1]
    twice = check(pd.concat([table(), table()], ignore_index=True), LONG, first_row=2)
    assert len(twice.outcomes) == 300
    assert twice.notes == ("300 outcomes repeat an expert on the same prompt; their mean counts.",)


def test_what_stops_a_training(monkeypatch):
    few = check(table(20), LONG, first_row=2)
    assert few.stops == ("There are 20 usable prompts; at least 100 are needed. Add prompts.",)
    alone = check(table(model="alpha"), LONG, first_row=2)
    assert alone.stops == ("There are outcomes of one expert; 2 to 100 can be routed between.",)
    stated = replace(LONG, optional={"split": "fold"})
    found = check(table(fold="train"), stated, first_row=2)
    assert "The column of splits has no 'test'" in found.stops[0]
    crossing = table()
    crossing["fold"] = ["train", "test", "dev"] * 100
    assert any("lie in two splits" in stop for stop in check(crossing, stated, first_row=2).stops)
    with pytest.raises(DataError, match="at least 100 are needed"):
        job.start(OWNER, few, name="x", form="a", current=places.root(), experts=[])
    with pytest.raises(DataError, match="cannot be a router's name"):
        job.start(OWNER, replace(few, stops=()), name="<b>", form="a", current=places.root(), experts=[])


def test_a_summary_says_what_is_too_little():
    ahead = outlook(check(table(), LONG, first_row=2))
    assert sum(ahead.splits.values()) == 150
    assert ahead.experts["n"].tolist() == [150, 150]
    said = " ".join(ahead.warnings)
    assert "predicted close to the mean: " in said
    assert "25 test prompts, 25 of them answered by every expert" in said
    assert "told from chance; add prompts." in said
    assert "No output tokens are given" in said
    other = table(700)
    some = other[(other["model"] == "alpha") | (other.index % 20 == 1)].reset_index(drop=True)
    apart = check(some, LONG, first_row=2)
    assert "answered by every expert, so only a large" in (told := " ".join(outlook(apart).warnings))
    assert "choose experts that answered the same prompts" in told


def test_room_for_routers_is_bounded(monkeypatch):
    for _ in range(bounds.MOST_ROUTERS):
        (places.home(OWNER) / places.new_id()).mkdir(parents=True)
    with pytest.raises(StoreError, match="You keep 10 routers, which is the most"):
        places.check_room(OWNER)
    places.check_room("bob@example.org")
    monkeypatch.setattr(places, "MOST_ROUTERS", 99)
    (places.kept(OWNER)[0] / "router.onnx").write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(places, "MOST_ROUTERS_MB", 1)
    with pytest.raises(StoreError, match="Your routers take 2 MB; at most 1 MB"):
        places.check_room(OWNER)
    with pytest.raises(StoreError, match="No router of yours lies in"):
        places.folder(OWNER, "../../etc")


def measures(score, low, high, *, n=500, cost=None, blind=None, area=(0.01, 0.05)):
    row = {
        "score": score, "n_prompts": n, "above_best_single": score - 0.7, "above_best_single_interval": [low, high],
        "best_single": {"name": "alpha", "score": 0.7}, "cost_at": cost and {"99": cost},
        "aiq_above_static_mix_interval": area,
    }  # fmt: skip
    return {"own": {"trained": {"blend": row, "prompt-blind": {**row, "cost_at": blind and {"99": blind}}}}}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({}, "unmeasured", "nobody can say"),
        ({"brought_in": True}, "unmeasured", "Brought in from elsewhere"),
        (measures(0.75, 0.01, 0.09), "pays", "0.750 against 0.700 for alpha alone"),
        (measures(0.70, -0.02, 0.02, cost=0.4, blind=0.9), "saves", "99 % of the best score for 40\u00a0% of its cost"),
        (measures(0.70, -0.02, 0.02, cost=0.4, blind=0.3), "open", "about 1,500 more test prompts would decide it."),
        (
            measures(0.701, -0.007, 0.009),
            "does not pay",
            "even the upper end is below 0.01, the least that would matter",
        ),
        (measures(0.71, -0.06, 0.08, n=60), "open", "about 2,900 more test prompts would decide it."),
        (measures(0.705, -0.06, 0.07), "open", "would decide it, but at most 3,000 are judged."),
        (measures(0.65, -0.08, -0.02), "does not pay", "-0.050"),
        (measures(0.71, -0.02, 0.04, n=60), "open", "cannot be told yet whether routing pays"),
        (measures(0.71, -0.02, 0.04, n=44, cost=0.4, area=(-0.01, 0.05)), "open", "cannot be told yet"),
        (measures(0.71, -0.02, 0.04, cost=0.4, area=None), "open", "cannot be told yet"),
    ],
)
def test_the_verdict_follows_from_the_measures(given, kind, words):
    found = verdict(given)
    assert found.kind == kind
    assert words in found.text
    assert "alpha" not in verdict(given, {"alpha": "Alpha 1"}).text


def test_scores_are_numbers_between_their_ends():
    found = check(table(score=np.where(np.arange(300) % 2, "100", "50")), replace(LONG, scale="0 to 100"), first_row=1)
    assert sorted(found.outcomes["score"].unique()) == [0.5, 1.0]


def test_the_server_takes_the_largest_file_that_is_allowed():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] == max(bounds.MOST_UPLOAD_MB, bounds.MOST_ZIP_MB)
