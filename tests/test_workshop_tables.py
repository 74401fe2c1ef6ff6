"""Tables as people have them: as spreadsheets and other programs write them, with names of their own, and too small."""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from routing.catalog import ASSETS
from routing.commands import train_router
from routing.errors import DataError, StoreError
from routing.outcomes import Outcomes
from routing.training.tables import Fewest, build_table
from routing.workshop import bounds, children, locks, places, run, uploads
from routing.workshop.checking import check
from routing.workshop.columns import Columns, as_numbers, guess
from routing.workshop.example import FILE, example
from routing.workshop.joining import joined
from routing.workshop.naming import names_of
from routing.workshop.reading import read_table
from routing.workshop.summary import outlook
from tests.test_workshop import LONG, measures, table


def read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, name.rsplit(".", 1)[-1]).frame


def test_a_spreadsheet_with_semicolons_and_decimal_commas(tmp_path):
    text = "\ufeffprompt;expert;score;latency\r\nWhat, now?;a;0,5;1,25\r\nAnd 1,5;b;1;\r\n"
    found = read(tmp_path, "log.csv", text)
    assert found.to_dict("list") == {
        "prompt": ["What, now?", "And 1,5"], "expert": ["a", "b"], "score": ["0,5", "1"], "latency": ["1,25", ""],
    }  # fmt: skip
    assert as_numbers(found["score"]).tolist() == [0.5, 1.0]
    # R writes what is missing as NA beside decimal commas.
    np.testing.assert_equal(
        as_numbers(read(tmp_path, "log.csv", "prompt;score\nx;0,5\ny;NA\n")["score"]), [0.5, np.nan]
    )
    # "1,234" alone is a thousand.
    assert as_numbers(read(tmp_path, "log.csv", 'prompt,tokens\nx,"1,234"\n')["tokens"]).tolist() == [1234.0]


def test_a_line_of_json_ends_at_a_line_feed_only(tmp_path):
    rows = [{"prompt": "a\u2028b\x0bc\x85d", "id": 2**62 + 1}, {"prompt": "e"}]
    found = read(tmp_path, "log.jsonl", "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert found.to_dict("list") == {"prompt": ["a\u2028b\x0bc\x85d", "e"], "id": [str(2**62 + 1), ""]}


def test_missing_numbers_of_parquet_are_empty_however_they_are_kept(tmp_path):
    columns = {"a": pa.array([1.5, float("nan"), None]), "b": pa.array([True, None, False]), "c": pa.nulls(3)}
    pq.write_table(pa.table(columns), tmp_path / "log.parquet")
    found = read_table(tmp_path / "log.parquet", "parquet").frame
    assert found.to_dict("list") == {"a": ["1.5", "", ""], "b": ["true", "", "false"], "c": ["", "", ""]}


def test_what_others_write_for_missing_is_missing():
    frame = table(tokens=["NaN", "NA", "null", "12", "n/a", ""] * 50)
    found = check(frame, replace(LONG, optional={"output_tokens": "tokens"}), first_row=2)
    assert (found.n_bad, found.outcomes["output_tokens"].notna().sum()) == (0, 50)
    wide = pd.DataFrame({"prompt": [f"p {i}" for i in range(120)], "a": ["1", "NA"] * 60, "b": ["0", "1"] * 60})
    assert guess(wide.astype(object)).wide == ("a", "b")
    columns = Columns("prompt", wide=("a", "b"), scale="0 to 1")
    assert len(check(wide.astype(object), columns, first_row=2).outcomes) == 180
    assert check(table(score=["1", "NaN"] * 150), LONG, first_row=2).n_bad == 150


def test_experts_get_names_that_links_hold_and_a_person_is_told():
    assert names_of(["GPT‑4 (Azure)", "a b", "a-b", "openai/o1", "日本", "x" * 101, "Modèle"]) == {
        "GPT‑4 (Azure)": "GPT-4-Azure", "a b": "", "a-b": "a-b", "openai/o1": "openai/o1", "日本": "", "x" * 101: "",
        "Modèle": "Modele",
    }  # fmt: skip
    frame = table().assign(model=lambda t: t["model"].replace("alpha", "Alpha (new)"))
    found = check(frame, LONG, first_row=2)
    assert set(found.outcomes["expert"]) == {"Alpha-new", "beta"}
    assert "so 'Alpha (new)' is called Alpha-new." in found.notes[0]
    wide = pd.DataFrame({"prompt": [f"p {i}" for i in range(120)], "日本": "1", "b": "0"}, dtype=object)
    stop = check(wide, replace(LONG, expert="", score="", wide=("日本", "b")), first_row=2).stops[0]
    assert stop.startswith("The column '日本' cannot name an expert: use a to z")


def test_experts_chosen_from_a_table_must_leave_enough_to_learn_from():
    few = table(160)
    few.loc[few["model"].eq("beta") & (few.index > 60), "model"] = "gamma"
    found = check(few, LONG, first_row=2)
    assert found.stops == ()
    (stop,) = found.of(frozenset(("alpha", "beta"))).stops
    assert stop.startswith("Of 2 experts 1 can be learned; two are needed. An expert needs 30 training outcomes, 20 of")
    assert found.of(frozenset(("alpha", "gamma"))).stops == ()
    (stop,) = found.of(frozenset(["beta"])).stops[-1:]
    assert "There are outcomes of one expert" in stop or "at least 100 are needed" in stop


@pytest.mark.parametrize(
    ("changed", "optional", "said"),
    [
        ({"team": "all"}, {"group": "team"}, "stay together, and there are 1 groups. Choose another column of groups"),
        ({"score": "1"}, {}, "Every training score is the same, so there is nothing to learn"),
        ({"app": [f"app {i % 12}" for i in range(300)]}, {"source": "app"}, "Of 2 experts none can be learned"),
    ],
)
def test_a_table_that_nothing_can_be_learned_from_is_stopped_before_training(changed, optional, said):
    assert said in " ".join(check(table(**changed), replace(LONG, optional=optional), first_row=2).stops)


def test_an_expert_whose_scores_never_differ_keeps_its_mean_and_is_named():
    frame = table()
    frame.loc[frame["model"] == "beta", "score"] = "1"
    found = check(frame, LONG, first_row=2)
    assert "Every training score is the same, so that one is predicted everywhere: beta." in outlook(found).warnings
    place = dict(zip(found.prompts["prompt_id"], range(len(found.prompts)), strict=True))
    cells = found.outcomes.assign(prompt=found.outcomes["prompt_id"].map(place), kind="chat")
    for name in ("output_tokens", "reading_ease"):
        cells[name] = np.nan
    made = build_table(Outcomes(found.prompts, cells, has_split=True), fewest=Fewest(30, 20))
    assert (made.experts, made.is_thin.tolist()) == (("alpha", "beta"), [False, True])


def two_tables(count=150):
    frame = table(count)
    ids = frame["prompt"].map({text: f"p{i}" for i, text in enumerate(frame["prompt"].unique())})
    prompts = frame[["prompt"]].rename(columns={"prompt": "text"}).assign(prompt_id=ids, task="sums").drop_duplicates()
    outcomes = frame.drop(columns="prompt").rename(columns={"model": "expert"}).assign(prompt_id=ids)
    return prompts, outcomes


def test_prompts_and_outcomes_are_uploaded_together_as_collect_writes_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    here = {"read": uploads.unpack, "rows": uploads.check_rows}
    monkeypatch.setattr(uploads.children, "run", lambda task, place, **_: here[task](place))
    prompts, outcomes = two_tables()
    files = [
        ("outcomes.csv", outcomes.to_csv(index=False)),
        ("prompts.jsonl", prompts.to_json(None, orient="records", lines=True)),
    ]
    kept = uploads.keep("", *((name, content.encode()) for name, content in files))
    assert (kept.name, kept.n_rows, kept.first_row) == ("outcomes.csv and prompts.jsonl", 300, 2)
    columns = guess(kept.head())
    assert (columns.prompt, columns.expert, columns.score) == ("text", "expert", "score")
    uploads.check("", replace(columns, scale="0 to 1"))
    found = uploads.load_checked("", with_text=True)
    assert (len(found.prompts), len(found.outcomes), found.stops) == (150, 300, ())
    assert set(found.prompts["task"]) == {"sums"}
    with pytest.raises(DataError, match="3 files are given; give one table, or one of prompts and one of outcomes"):
        uploads.keep("", *[("a.csv", b"x")] * 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, o: (p.drop(columns="prompt_id"), o), "p.csv has no column prompt_id, which joins two tables"),
        (lambda p, o: (o, o), "Neither table holds prompts in a column text or prompt or question"),
        (lambda p, o: (p, p), "Both tables hold prompts"),
        (lambda p, o: (pd.concat([p, p]), o), "p.csv has the prompt_id 'p0' twice"),
        (lambda p, o: (p[1:], o), "2 outcomes are of prompts that p.csv lacks, first 'p0'"),
    ],
)
def test_two_tables_that_do_not_belong_together_are_refused(change, said):
    prompts, outcomes = change(*two_tables(3))
    with pytest.raises(DataError, match=said):
        joined([("p.csv", prompts), ("o.csv", outcomes)])


def test_everything_that_joining_repeats_is_counted():
    prompts, outcomes = two_tables(3)
    many = pd.concat([outcomes] * 2_000)
    with pytest.raises(DataError, match=r"The joined table has [\d,]+ MB; at most 400 MB are read"):
        joined([("p.csv", prompts.assign(note="n" * 100_000)), ("o.csv", many)])


def test_only_so_many_uploads_are_read_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    slots = places.root() / places.SLOTS
    held = [locks.take_one(slots, "read", bounds.MOST_READ_AT_ONCE) for _ in range(bounds.MOST_READ_AT_ONCE)]
    told, waiting = [], places.home("ann") / f"{uploads.COMING}0"
    waiting.mkdir(parents=True)
    (waiting / uploads.ABOUT_FILE).write_text('{"names": ["p.csv", "o.csv"], "kinds": []}', encoding="utf-8")
    assert (uploads.coming("ann"), uploads.coming("bob")) == (["p.csv and o.csv"], [])
    with pytest.raises(StoreError, match="2 uploads are being read, the most at a time"):
        children.run("read", tmp_path, wall_s=0.1, tell=told.append)
    assert told == ["Waiting: 2 uploads are being read on this machine, the most at a time.", ""]
    for lock in held:
        lock.close()
    with locks.take_one(slots, "read", 1) as found:
        assert not found.closed


def test_the_command_trains_on_as_few_outcomes_as_it_is_told(tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr("routing.commands.is_about", lambda local, data: False)
    monkeypatch.setattr("routing.training.train", lambda data, out, **o: told.update(o) or {"measures": {"test": []}})
    for fewest, expected in ((None, Fewest(1000, 200)), (60, Fewest(60, 20)), (500, Fewest(500, 100))):
        train_router(tmp_path, tmp_path, "a", fewest)
        assert told["fewest"] == expected


def test_of_what_was_encoded_the_newest_stays(tmp_path):
    for day, name in enumerate(("features-a.npz", "tuned-a.pt", "features-b.part.npz", "features-c.npz", "tuned-b.pt")):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (day, day))
    run._keep_newest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features-c.npz", "tuned-b.pt"]


def test_the_example_can_be_trained_on_as_it_is(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(example())
    frame = read_table(path, "csv").frame
    columns = guess(frame)
    assert (columns.prompt, columns.expert, columns.score) == ("prompt", "expert", "score")
    assert set(columns.optional) == {"task", "output_tokens"}
    found = check(frame, replace(columns, scale="0 to 1"), first_row=2)
    assert (found.problems, found.stops, found.notes) == ((), (), ())
    assert not any("left out" in warning for warning in outlook(found).warnings)
    assert example() == path.read_bytes()


def test_the_command_ends_with_the_verdict_on_own_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    judged = []
    monkeypatch.setattr("routing.commands.is_about", lambda local, data: False)
    monkeypatch.setattr("routing.training.train", lambda data, out, **o: {"measures": {}})
    monkeypatch.setattr("routing.workshop.judging.judged", lambda *a: judged.append(a) or measures(0.75, 0.01, 0.09))
    prompts, outcomes = two_tables(20)
    prompts.to_parquet(tmp_path / "prompts.parquet")
    outcomes.assign(score=outcomes["score"].astype(float)).to_parquet(tmp_path / "outcomes.parquet")
    train_router(tmp_path, tmp_path / "router", "a", 30)
    told = capsys.readouterr()
    assert told.out.startswith("Routing pays on your data: mean score 0.750 against 0.700 for alpha alone")
    assert f"--from {tmp_path / 'router'}" in told.err
    _, data, folder, shipped, experts, _ = judged[0]
    assert (folder, shipped) == (tmp_path / "router", ASSETS)
    assert set(data.prompts["split"]) <= {"train", "validation", "test"}
    assert {e.name for e in experts} == set(outcomes["expert"])


def test_an_upload_that_fails_leaves_the_one_before_and_what_a_crash_left_is_swept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    uploads.keep("ann", ("log.csv", b"a,b\n1,2\n"))
    left = places.home("ann") / f"{uploads.COMING}0123456789abcdef"
    left.mkdir()
    os.utime(left, (0, 0))
    with pytest.raises(DataError, match="NUL byte"):
        uploads.keep("ann", ("log.csv", b"a,b\n1,\x002\n"))
    assert uploads.load("ann").n_rows == 1
    assert [one.name for one in places.home("ann").iterdir()] == [places.UPLOAD]


def test_more_uploads_at_once_than_are_read_wait(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for number in range(uploads.MOST_COMING):
        (places.home("ann") / f"{uploads.COMING}{number}").mkdir(parents=True)
    with pytest.raises(DataError, match=r"2 uploads of yours are being read already\. Try again in a minute"):
        uploads.keep("ann", ("log.csv", b"a,b\n1,2\n"))
    assert uploads.keep("bob", ("log.csv", b"a,b\n1,2\n")).n_rows == 1


def waits():
    from pages.common.workshop.train_wait import waiting

    waiting("mine.csv")("Waiting: full.")
    ended = waiting()
    ended("Waiting: full.")
    ended("")


def test_an_upload_that_waits_says_which_others_of_this_person_there_are(monkeypatch):
    monkeypatch.setattr(uploads, "coming", lambda owner: ["mine.csv", "*other*.csv"])
    app = AppTest.from_function(waits).run()
    assert not app.exception
    (said,) = (one.value.replace("\\", "") for one in app.caption)
    assert said == ":material/hourglass_top: Waiting: full. Yours among those read or waiting: *other*.csv."
