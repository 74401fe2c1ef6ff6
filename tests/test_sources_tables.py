"""From the public logs to the two tables, and the command that fetches them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from routing.commands import fetch as commands_fetch
from routing.errors import DataError
from routing.outcomes import read, read_pools
from routing.sources import SOURCES
from routing.sources.rows import Fetched, Outcome, Prompt
from routing.sources.tables import Tables
from tests.test_fetching import network, server  # noqa: F401 - a fixture
from tests.test_sources import FORMS


def test_the_same_question_in_two_layouts_is_one_group_and_one_split(tmp_path):
    tables = Tables(tmp_path)
    tables.add("a", "x", [Prompt("a/1", "t", "d", "Which planet?\nA. Mars\nB. Io"), Outcome("a/1", "e", 1.0)])
    tables.add(
        "b", "y", [Prompt("b/1", "t", "d", "which  PLANET\n(A) Io"), Outcome("b/1", "e", 0.0), Outcome("b/1", "e", 1.0)]
    )
    assert tables.counts["b"].doubled == 1
    assert set(tables.finish({"both": ["e"], "lost": ["e", "f"]})) == {"lost"}
    assert read_pools(tmp_path) == {"both": ("e",)}
    found = read(tmp_path)
    assert found.prompts["group"].nunique() == found.prompts["split"].nunique() == 1
    assert found.has_split
    assert list(found.prompts["licence"]) == ["x", "y"]


def test_tables_that_do_not_make_sense_leave_earlier_ones_whole(tmp_path):
    good = Tables(tmp_path)
    good.add("a", "x", [Prompt("a/1", "t", "d", "Which?"), Outcome("a/1", "e", 1.0)])
    good.finish()
    before = (tmp_path / "outcomes.parquet").read_bytes()
    bad = Tables(tmp_path)
    bad.add("a", "x", [Prompt("a/1", "t", "d", "Which?"), Outcome("a/1", "e", 1.5)])
    with pytest.raises(DataError, match="from 0 to 1"):
        bad.finish()
    assert (tmp_path / "outcomes.parquet").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outcomes.parquet", "pools.json", "prompts.parquet"]


def publish(server, *, unseen=()):  # noqa: F811
    """Every file that was seen, small, on the tests' own server."""
    from urllib.parse import quote

    for source in SOURCES.values():
        for one in source.files:
            if one.is_seen or one.key in unseen:
                server.files[f"/raw/{one.repository}/{one.commit}/{quote(one.path)}"] = FORMS[source.name](one)


def test_everything_is_fetched_built_and_read_as_training_would(server, tmp_path, capsys):  # noqa: F811
    publish(server)
    commands_fetch.fetch_all(tmp_path, [], network=network(server))
    said = capsys.readouterr().err
    found = read(tmp_path)
    assert set(found.prompts["source"]) == set(SOURCES)
    assert set(found.cells["kind"]) == {"chat", "base"}
    assert found.has_split
    record = json.loads((tmp_path / "sources.json").read_text())
    assert record["medagents"]["licence"] == "Apache-2.0"
    assert len(record["zeroeval"]["files"]) == len(SOURCES["zeroeval"].files)
    assert "nothing vouches for these files but their commit and TLS" in said
    assert "44 files were never seen at their commit and are skipped" in said
    assert "licence CC-BY-SA-4.0 / MIT" in said
    assert set(read_pools(tmp_path)) >= {"strong-weak", "clinical10"}
    asked = len(server.asked)
    commands_fetch.fetch_all(tmp_path, [], network=network(server))
    assert len(server.asked) == asked
    assert "nothing vouches" not in capsys.readouterr().err


def test_files_that_only_follow_a_pattern_may_be_absent_and_seen_ones_may_not(server, tmp_path, capsys):  # noqa: F811
    one = next(f for f in SOURCES["medagents"].files if not f.is_seen)
    publish(server, unseen={one.key})
    commands_fetch.fetch_all(tmp_path, ["medagents"], with_unseen=True, network=network(server))
    assert "43 files that only follow a pattern are not there" in capsys.readouterr().err
    server.files.clear()
    with pytest.raises(DataError, match="not to be had"):
        commands_fetch.fetch_all(tmp_path / "other", ["wmt24"], network=network(server))
    assert not (tmp_path / "other" / "prompts.parquet").exists()


def test_a_wrong_source_gets_a_hint(tmp_path):
    with pytest.raises(DataError, match="Did you mean 'wmt24'"):
        commands_fetch.fetch_all(tmp_path, ["wmt"])


def test_every_source_that_the_router_was_trained_on_is_here():
    from routing.registry import load_router

    assert set(load_router().card["sources_order"]) == set(SOURCES)


def test_a_reader_never_makes_up_a_file(tmp_path):
    one = replace(SOURCES["wmt24"].files[0], path="gone")
    with pytest.raises(FileNotFoundError):
        Fetched(one, tmp_path / "gone").text()


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written to"):
        commands_fetch.fetch_all(tmp_path / "file", ["wmt24"])


def test_the_readme_says_of_every_source_what_was_verified():
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    for source in SOURCES.values():
        seen = sum(f.is_seen for f in source.files)
        assert re.search(
            rf"\| {source.name} \| {re.escape(source.licence)} .*\| {seen} of {len(source.files)} at", text
        )
