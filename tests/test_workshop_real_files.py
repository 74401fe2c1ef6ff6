"""Tables as other programs and public logs have them: what nobody needs never sinks the whole, and is named."""

import io
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.catalog import load_catalog
from routing.own import OwnExpert
from routing.workshop import uploads
from routing.workshop.checking import check
from routing.workshop.columns import Columns, as_numbers, guess
from routing.workshop.prices import SOURCE, with_stated_costs
from routing.workshop.reading import read_table
from routing.workshop.votes import as_outcomes

OWNER = "ann@example.org"
LONG = Columns(prompt="prompt", expert="model", score="score", scale="0 to 1")


def read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return read_table(path, uploads.kind_of(name))


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("2,063", 2063.0), ("1,234,567.5", 1234567.5), ("$0.0012", 0.0012), ("US$ 3", 3.0), ("0.5 USD", 0.5),
        ("€2", 2.0),
        ("12 %", 12.0), ("12%", 12.0), ("1 234", 1234.0), ("1\u00a0234,5", 1234.5), ("1'000", 1000.0),
        ("\u22123", -3.0),
        ("- 3", -3.0), ("1e-5", 1e-5), ("7.5E-05", 7.5e-5), ("0,5", 0.5), ("1.234,5", 1234.5), (",5", 0.5),
        (".5", 0.5),
        ("350 ms", 0.35), ("1.2 s", 1.2), ("128k", 128_000.0), ("310 tokens", 310.0), ("TRUE", 1.0), ("No", 0.0),
        ("1,23,4", np.nan), ("12 apples", np.nan), ("1.2.3", np.nan), ("--", np.nan), ("", np.nan), ("1 2", np.nan),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(said, number):
    np.testing.assert_allclose(as_numbers(pd.Series([said], dtype=object)), [number], rtol=1e-12)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=20), st.sampled_from(["point", "comma"]))
def test_thousands_are_read_alike_whichever_sign_parts_them(cents, form):
    written = [f"{n / 100:,.2f}" for n in cents]
    if form == "comma":
        written = [text.translate(str.maketrans(",.", ".,")) for text in written]
    assert as_numbers(pd.Series(written, dtype=object)).tolist() == [n / 100 for n in cents]


def test_a_column_decides_what_its_commas_mean():
    assert as_numbers(pd.Series(["0,5", "1,250", "2"], dtype=object)).tolist() == [0.5, 1.25, 2.0]
    assert as_numbers(pd.Series(["0.5", "1,250", "2"], dtype=object)).tolist() == [0.5, 1250.0, 2.0]
    assert as_numbers(pd.Series(["1.234", "2.345,60"], dtype=object)).tolist() == [1234.0, 2345.6]


CSV = "prompt,model,score\nWhy?,a,1\nHow?,b,0\n"
ROWS = [{"prompt": "Why?", "model": "a", "score": "1"}, {"prompt": "How?", "model": "b", "score": "0"}]


@pytest.mark.parametrize(
    ("name", "content", "first_row", "note"),
    [
        ("plain.csv", CSV, 2, None),
        ("excel.csv", "sep=;\r\n" + CSV.replace(",", ";").replace("\n", "\r\n"), 3, None),
        ("quoted.csv", '"sep=|"\n' + CSV.replace(",", "|"), 3, None),
        ("blank.csv", "\n\n" + CSV, 4, None),
        ("trailing.csv", CSV.replace("\n", ",,\n"), 2, None),
        ("ragged.csv", CSV + "Who?,a,1,9,9\n", 2, r"more than the 3 cells of the header .*: row 4 \(5 cells\)"),
        ("old.csv", CSV.replace("Why?", "Wh\xff?").encode("cp1252"), 2, r"line 2, byte 0xff\).*Windows-1252"),
        ("nul.csv", CSV.replace("How?", "Ho\x00w?") + "x" * 200 + ",a,1\n", 2, r"1 NUL characters .* first on line 3"),
        ("list.json", json.dumps([*ROWS, 7]), 1, r"no JSON objects are left out: entry 3"),
        ("lines.txt", "\n".join(map(json.dumps, ROWS)), 1, r"read as JSONL"),
        ("broken.jsonl", "\n".join([*map(json.dumps, ROWS), '{"prompt": ']), 1, r"left out: line 3 is not JSON"),
        ("nested.jsonl", "\n".join(json.dumps(row | {"usage": {"n": 1}, "tags": ["t"]}) for row in ROWS), 1,
         r"lists or objects are left out: 'usage', 'tags'"),
    ],
)  # fmt: skip
def test_files_of_other_programs_are_read(tmp_path, name, content, first_row, note):
    sheet = read(tmp_path, name, content)
    rows = sheet.frame.to_dict("records")[:2]
    assert [{k: v.replace("\xff", "y") for k, v in row.items()} for row in rows] == ROWS
    assert sheet.first_row == first_row
    if note is None:
        assert sheet.notes == ()
    else:
        assert pd.Series(sheet.notes).str.contains(note).any(), sheet.notes


def test_half_a_character_is_replaced_and_named(tmp_path):
    lines = [json.dumps({"prompt": "ok \U0001f600", "score": 1}), '{"prompt": "half \\ud83d", "score": 0}']
    sheet = read(tmp_path, "log.jsonl", "\n".join(lines))
    assert sheet.frame["prompt"].tolist() == ["ok \U0001f600", "half \ufffd"]
    assert sheet.notes == ("Half characters (lone surrogates) in 'prompt' were replaced by \ufffd: row 2.",)
    kept = uploads.keep(OWNER, ("log.jsonl", "\n".join(lines * 2).encode()))
    assert kept.notes[0].endswith("row 2, 4.")


def test_a_damaged_byte_among_good_accents_is_replaced_and_named(tmp_path):
    content = CSV.replace("Why?", "Größe?").encode() + b"Was\xff?,a,1\n"
    sheet = read(tmp_path, "log.csv", content)
    assert sheet.frame["prompt"].tolist() == ["Größe?", "How?", "Was\ufffd?"]
    assert "first on line 4, byte 0xff" in sheet.notes[0]


def test_names_of_columns_are_made_their_own(tmp_path):
    sheet = read(tmp_path, "log.csv", ",prompt,score,score,\n0,Why?,1,2,\n1,How?,0,1,\n")
    assert list(sheet.frame.columns) == ["column 1", "prompt", "score", "score (2)"]
    assert any("Two columns are called 'score'" in note for note in sheet.notes)


def test_rows_keep_the_number_that_the_file_gives_them(tmp_path):
    text = "sep=;\nprompt;model;score\n\nWhy?;a;1\nx;a;1;too;many\n" + "".join(f"p {i};b;7\n" for i in range(2))
    sheet = read(tmp_path, "log.csv", text)
    found = check(sheet.frame, LONG, first_row=sheet.first_row)
    assert [one.row for one in found.problems] == [6, 7], "the blank line and the row left out are counted"


def test_parquet_of_any_type_is_read_as_far_as_it_is_text_or_numbers(tmp_path):
    table = pa.table(
        {
            "prompt": pa.array(["a", "b"]).dictionary_encode(),
            "model": ["x", "y"],
            "score": pa.array([Decimal("0.50"), None]),
            "at": pa.array([1, 2], pa.timestamp("s")),
            "blob": pa.array([b"\xff\x00", b"\xfe"]),
            "usage": pa.array([{"n": 1}, {"n": 2}]),
            "took": pa.array([1, 2], pa.duration("ms")),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    sheet = read_table(tmp_path / "log.parquet", "csv")  # the name may say what it likes
    assert sheet.frame[["prompt", "model", "score"]].to_dict("list") == {
        "prompt": ["a", "b"], "model": ["x", "y"], "score": ["0.50", ""],
    }  # fmt: skip
    assert "usage" not in sheet.frame
    assert "blob" not in sheet.frame
    assert "'blob', 'usage'" in sheet.notes[0]


def wide(**columns):
    rows = 40
    made = {"prompt": [f"What is {i}?" for i in range(rows)], "m-a": ["0", "1"] * 20, "m-b": ["1", "1", "0", "0"] * 10}
    return pd.DataFrame(made | {name: [str(x) for x in values] for name, values in columns.items()}, dtype=object)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", range(40)), ("sample_id", range(40)), ("turn", [1] * 40), ("m-a|total_cost", [7.5e-5] * 40),
        ("m-a_cost", [0.2] * 40), ("prompt tokens", range(10, 50)), ("Latency (s)", [0.5] * 40),
        ("created_at", [1] * 40),
        ("winner_model_a", ["0", "1"] * 20),
        ("Unnamed: 0", range(40)), ("spend per call", [0.001] * 40),
        ("m-b output", [0.0001] * 40), ("budget", ["$1"] * 40), ("row", range(40)), ("difficulty", [7] * 40),
    ],
)  # fmt: skip
def test_what_is_no_score_is_no_expert(name, values):
    assert guess(wide(**{name: values})).wide == ("m-a", "m-b")


def test_experts_of_one_scale_are_proposed_together():
    ten = wide(a=[9, 3] * 20, b=[5, 4] * 20, c=[1, 0] * 20).drop(columns=["m-a", "m-b"])
    assert guess(ten).wide == ("a", "b", "c")
    assert guess(wide(d=[0.5, 1] * 20)).wide == ("m-a", "m-b", "d")


def test_costs_beside_scores_are_used(tmp_path):
    table = wide(**{"m-a|total_cost": [0.25] * 40, "m-b|total_cost": ["$1"] * 39 + ["?!"], "m-b (tokens)": [3] * 40})
    columns = guess(table)
    assert columns.beside == {"cost_usd": {"m-a": "m-a|total_cost", "m-b": "m-b|total_cost"}}
    found = check(table, replace(columns, scale="0 to 1"), first_row=2)
    cost = found.outcomes.groupby("expert")["cost_usd"].agg(["mean", "count"])
    assert cost.loc["m-a"].tolist() == [0.25, 40]
    assert cost.loc["m-b"].tolist() == [1.0, 39]
    assert found.n_bad == 0
    assert [(one.row, one.column) for one in found.problems] == [(41, "m-b|total_cost")]


@pytest.mark.parametrize("winner", [
    ["model_a", "model_b", "tie", "tie (bothbad)"], ["A", "B", "Draw", "both_bad"], ["left", "right", "TIE", "neither"],
    ["m-a", "m-b", "tie", "bothbad"],
])  # fmt: skip
def test_votes_become_outcomes_of_both(winner):
    table = pd.DataFrame(
        {"question_id": ["1", "2", "3", "4"], "model_a": "m-a", "model_b": "m-b", "winner": winner, "turn": "1",
         "prompt": ["p", '["q", "and then?"]', "r", "s"]}, dtype=object,
    )  # fmt: skip
    found, notes = as_outcomes(table)
    assert found.pivot_table(index="prompt", columns="expert", values="score", aggfunc="first").to_dict("list") == {
        "m-a": ["1", "0", "0.5", "0"], "m-b": ["0", "1", "0.5", "0"],
    }  # fmt: skip
    assert "4 votes" in notes[0]
    assert "In 1 of them both answers were called bad" in notes[1]
    assert guess(found) == Columns(prompt="prompt", expert="expert", score="score", optional={})


def test_votes_of_one_column_a_verdict_are_read_and_odd_ones_named():
    hot = {
        "winner_model_a": ["1", "0", "0", "0"],
        "winner_model_b": ["0", "0", "0", "1"],
        "winner_tie": ["0", "1", "0", "0"],
    }
    table = pd.DataFrame(
        {"model_a": "x", "model_b": ["y", "y", "y", "x"], "prompt": ["p", "q", "r", "s"], **hot}, dtype=object
    )
    found, notes = as_outcomes(table)
    assert found[["prompt", "expert", "score"]].to_numpy().tolist() == [
        ["p", "x", "1"], ["p", "y", "0"], ["q", "x", "0.5"], ["q", "y", "0.5"],
    ]  # fmt: skip
    assert "2 rows name no winner that is known, or one expert twice" in notes[-1]
    plain = table.drop(columns=list(hot))
    assert as_outcomes(plain) == (plain, ())


def test_votes_are_uploaded_and_checked_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    frame = pd.DataFrame(
        {"model_a": "m-a", "model_b": "m-b", "winner": ["model_a", "model_b"] * 60,
         "conversation_a": [[{"role": "user", "content": f"Task {i}"}] for i in range(120)]}
    )  # fmt: skip
    lines = "\n".join(json.dumps(row) for row in frame.to_dict("records"))
    kept = uploads.keep(OWNER, ("votes.jsonl", lines.encode()))
    assert any("votes (model_a, model_b" in note for note in kept.notes)
    columns = replace(guess(kept.head()), scale="0 to 1")
    uploads.check(OWNER, columns)
    checked = uploads.load_checked(OWNER, with_text=True)
    assert (len(checked.outcomes), checked.n_bad) == (240, 0)
    assert checked.prompts["text"].iloc[0] == "Task 0"


def test_prices_come_from_stated_costs_where_nobody_states_them():
    known = load_catalog()["gpt-4o-mini"]
    mine, few = OwnExpert("mine").expert, OwnExpert("few").expert
    prompts = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(60)], "text": ["word " * (i + 1) for i in range(60)]})
    lengths = np.arange(60) % 7 + 1.0
    cost = 2e-6 * np.arange(1, 61) + 3e-6 * lengths
    rows = [prompts.assign(expert=name, cost_usd=cost, output_tokens=lengths) for name in ("gpt-4o-mini", "mine")]
    outcomes = pd.concat([*rows, prompts.head(5).assign(expert="few", cost_usd=1.0, output_tokens=1.0)])
    found = {e.name: e for e in with_stated_costs([known, mine, few], prompts, outcomes)}
    assert found["gpt-4o-mini"] == known, "what the catalogue states stays"
    assert found["few"] == few, "a handful of costs is no price"
    assert found["mine"].price_source == SOURCE
    assert found["mine"].price_in_usd_per_mtok == pytest.approx(2.0, rel=0.1)
    assert found["mine"].price_out_usd_per_mtok == pytest.approx(3.0, rel=0.3)
    blind = with_stated_costs([mine], prompts, outcomes.drop(columns="output_tokens"))[0]
    assert blind.price_out_usd_per_mtok == 0.0
    assert with_stated_costs([mine], prompts, outcomes.drop(columns="cost_usd")) == [mine]


def test_what_a_csv_writer_writes_is_read_back(tmp_path):
    frame = pd.DataFrame(
        {"prompt": ['a "b"\n, c;', "\u2028|\t", "'"], "model": ["x", "y", "z"], "score": ["1", "0", "1"]}
    )
    for sep in ",;\t|":
        text = io.StringIO()
        frame.to_csv(text, index=False, sep=sep)
        assert read(tmp_path, "log.csv", text.getvalue()).frame.to_dict("list") == frame.to_dict("list"), sep
