"""Bytes that are no text: every command cleans its texts alike, and files with such names are still found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from routing.__main__ import app
from routing.cleaning import clean_prompt, whole
from routing.commands.options import TextCommand
from routing.errors import PromptError
from tests.command_line import run
from tests.loopback import Loopback
from tests.test_commands_experts import mine

ROOT = Path(__file__).resolve().parent.parent
ODD = os.fsdecode(b"odd \xff byte")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("caf\udce9", "caf?"),
        ("half an emoji \ud83d", "half an emoji ?"),
        ("a\x00b\x1bc\x7fd\x85e", "a b c d e"),
        ("lines\r\nend\rhere\n\tso", "lines\nend here\n\tso"),
        ("👩\u200d🚀 \u00ad \u200c", "👩\u200d🚀 \u00ad \u200c"),
    ],
)
def test_a_prompt_is_made_fit_to_be_shown_and_sent(text, clean):
    assert clean_prompt(text) == clean


@given(st.text(st.characters(), max_size=200))
def test_clean_text_is_text_in_any_case_and_cleaning_twice_changes_nothing(text):
    assert whole(text).encode("utf-8").decode("utf-8") == whole(text)
    assert clean_prompt(clean_prompt(text)) == clean_prompt(text)


def test_a_prompt_without_end_is_refused():
    with pytest.raises(PromptError, match=r"has 1,000,001 characters; at most 1,000,000 are read"):
        clean_prompt("x" * 1_000_001)


def test_every_command_takes_whole_texts():
    def commands(group):
        yield from group.registered_commands
        for inner in group.registered_groups:
            yield from commands(inner.typer_instance)

    found = list(commands(app))
    assert len(found) > 12
    assert all(command.cls is TextCommand for command in found)
    assert isinstance(app, typer.Typer)


def test_route_and_answer_clean_their_prompt_alike(store):
    with Loopback() as server:
        store.experts.save(mine(server.url), "")
        told = json.loads(run("answer", ODD, "--experts", "mine", "--own", "--json").stdout)
        (asked,) = [request["body"] for request in server.requests]
    assert told[0]["error"] is None
    assert asked["messages"][-1]["content"] == "odd ? byte"
    assert json.loads(run("route", ODD, "--json").stdout)["prompt"] == "odd ? byte"


def test_answer_asks_nothing_of_an_empty_prompt():
    done = run("answer", " \x00 ", "--experts", "o3-mini")
    assert (done.returncode, done.stderr) == (
        2,
        "The prompt is empty. Type a question or a task, or choose an example.\n",
    )


def test_texts_of_other_commands_are_whole_and_their_paths_are_kept(tmp_path):
    file = tmp_path / (ODD + ".json")
    done = run("policy", "new", file, "--name", ODD, "--note", ODD)
    assert done.returncode == 0, done.stderr
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["name"], kept["note"]) == ("odd ? byte", "odd ? byte")
    assert run("route", "Hello", "--policy", file).returncode == 0
    assert "No router is called 'odd ? byte'" in run("route", "Hello", "--router", ODD).stderr


def test_bytes_on_standard_input_and_in_names_end_in_no_traceback(tmp_path):
    command = [sys.executable, "-m", "routing", "route"]
    done = subprocess.run(
        [*command, "-", "--json"], input=b"\xef\xbb\xbfodd \xff byte", cwd=ROOT, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["prompt"] == "odd ? byte"
    missing = os.fsencode(tmp_path) + b"/odd\xff.json"
    done = subprocess.run([*command, "Hello", "--policy", missing], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"cannot be opened" in done.stderr
    assert b"Traceback" not in done.stderr
