"""Flags: what people write, what comes of it, and that writing and reading agree."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.flags import MOST_LOOKED_UP, Flag, apply, parse, write
from routing.objective import CONSTRAINTS
from routing.schema import Preferences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Flag: smallest model]", [("weight", "size", 10.0)]),
        ("[flag:CHEAP]", [("weight", "cost", 2.0)]),
        ("[Flag: small]", [("weight", "size", 0.3)]),
        ("[Flag: recent, cost=0.4]", [("weight", "recency", 0.3), ("weight", "cost", 0.4)]),
        ("[Flag: max cost $0.002]", [("limit", "cost", 0.002)]),
        ("[Flag: max cost 2 cents]", [("limit", "cost", 0.02)]),
        ("[Flag: maximum price $ 1e-3]", [("limit", "cost", 0.001)]),
        ("[Flag: max latency 500ms]", [("limit", "latency", 0.5)]),
        ("[Flag: max time 2 min]", [("limit", "latency", 120.0)]),
        ("[Flag: max size 10B]", [("limit", "size", 10.0)]),
        ("[Flag: max age 2 years]", [("limit", "recency", 730.0)]),
        ("[Flag: max tokens 300]", [("limit", "verbosity", 300.0)]),
        ("[Flag: max tokens 1,000, cheap]", [("limit", "verbosity", 1000.0), ("weight", "cost", 2.0)]),
        ("[Flag: min reading ease 60]", [("limit", "readability", 60.0)]),
        ("[Flag: local only]", [("limit", "security", 0.0)]),
        ("[Flag: local]", [("limit", "security", 0.0)]),
        ("[Flag: open weights]", [("limit", "security", 1.0)]),
        ("[Flags: fastest answer, most readable]", [("weight", "latency", 10.0), ("weight", "readability", 10.0)]),
    ],
)
def test_what_people_write(text, expected):
    parsed = parse(f"Why is the sky blue? {text}")
    assert [(f.kind, f.constraint, pytest.approx(f.value)) for f in parsed.flags] == expected
    assert parsed.warnings == ()
    assert parsed.prompt == "Why is the sky blue?"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("[Flag: cheep]", "Did you mean 'cheap'"),
        ("[Flags: cheep]", "Did you mean 'cheap'"),
        ("[Flag: cots=0.4]", "Did you mean 'cost=0.4'"),
        ("[Flag: max laency 3s]", "Did you mean 'latency=0.4'"),
        ("[flag: size]", "Did you mean 'size=0.4'"),
        ("[Flag: purple]", "'purple' is not known"),
        ("[Flag: cost=40]", "'cost=40' means nothing: a weight is 0 (ignored) to 10"),
        ("[Flag: cost=-1]", "'cost=-1' means nothing: a weight is 0 (ignored) to 10"),
        ("[Flag: cost = 1e999]", "'cost = 1e999' means nothing: a weight is 0 (ignored) to 10"),
        ("[Flag: cost=nan]", "'cost=nan' means nothing: a weight is 0 (ignored) to 10"),
        ("[Flag: min cost $1]", "cost is bounded with 'max'"),
        ("[Flag: max readability 50]", "readability is bounded with 'min'"),
        ("[Flag: max cost 3 seconds]", "cost is given in"),
        ("[Flag: ]", "An empty flag means nothing"),
        ("[Flag: max cost $0,002]", "'max cost $0,002' is not known"),
        ("[Flag: max cost 1e999]", "'max cost 1e999' means nothing: a limit is a number from 0, and not infinite"),
        ("[Flag: max cost -1]", "'max cost -1' means nothing: a limit is a number from 0"),
        ("[Flags: max cost -$0.5]", "'max cost -$0.5' means nothing: a limit is a number from 0"),
        ("[Flag: max cost \u22121]", "'max cost -1' means nothing: a limit is a number from 0"),
        ("[Flag: max latency inf]", "'max latency inf' means nothing: a limit is a number from 0"),
        ("[Flag: max age 1e308 years]", "a limit is a number from 0, and not infinite"),
        ("[Flag: min readability nan]", "'min readability nan' means nothing: a limit is a number from 0"),
        ("[Flag: zqzq]" * 9000, "8,995 more flags"),
        ("[Flag: cheap", "not closed"),
        ("[Flags: cheap,", "not closed"),
        ("[Flag: " + "x" * 600 + "]", "too long"),
        ("[Flag: " + "x" * 300 + "]", "..."),
    ],
)
def test_what_is_not_understood_is_said_and_stays_in_the_prompt(text, warning):
    parsed = parse(f"Hello {text} there")
    assert parsed.flags == ()
    assert any(warning in w for w in parsed.warnings)
    assert parsed.prompt == f"Hello {text} there"


def test_the_sentence_says_that_the_text_stayed():
    assert parse("[Flag: cheep] Hello").warnings == (
        "The flag 'cheep' is not known. Did you mean 'cheap'? So '[Flag: cheep]' is text like the rest of the prompt.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "mount: /dev/sdb1 [Flags: R/W,RELATIME]",
        "fn open(path) [flags: set<u16>] -> handle",
        "packet = [len: u16][flags: u8][crc: u32]",
        "TCP 10.0.0.1:80 [flags: S, A] win 64",
        "[flags: 0x1f]",
        "[flags: --force, -q]",
        "[flags: read, exec]",
        "[flags: ]",
        "a[flags[0]] = b[flags:4]",
        "[flagged: cheap]",
        "[my flag: cheap]",
    ],
)
def test_ordinary_text_is_left_alone_in_silence(text):
    parsed = parse(text)
    assert (parsed.prompt, parsed.flags, parsed.warnings) == (text, (), ())


def test_where_some_items_act_the_rest_is_said_and_the_flag_is_gone():
    parsed = parse("Hello [Flags: cheap, R/O, max cost -1] there")
    assert [f.text for f in parsed.flags] == ["cost=2.0"]
    assert parsed.prompt == "Hello  there"
    assert parsed.warnings == (
        "The flag 'r/o' is not known. Known: cheap, fast, small, cost=0.4, max cost $0.002, local only. "
        "It was skipped.",
        "The flag 'max cost -1' means nothing: a limit is a number from 0, and not infinite. It was skipped.",
    )


@pytest.mark.parametrize(
    "code",
    [
        "```\n[Flag: cheap]\n```",
        "```python\nx = 1  # [Flag: cheap]\n```",
        "~~~\n[Flag: cheap]\n~~~",
        "````\n```\n[Flag: cheap]\n```\n````",
        "```\n[Flag: cheap]\nnever closed",
        "~~~\n```\n[Flag: cheap]\n```",
        "1. First:\n\n   ```\n   [Flag: cheap]\n   ```",
        "- ```\n  [Flag: cheap]\n  ```",
        "> ```\n> [Flag: cheap]\n> ```",
        "```\r\n[Flag: cheap]\r\n```\r\n",
        "Write `[Flag: cheap]` in front.",
        "Write ``[Flag: cheap] ` `` in front.",
        "Write `this\nand [Flag: cheap]` in front.",
        "A backslash is text in code: `\\` and `[Flag: cheap]`",
        "Half of it: `a [Flag: cheap`]",
    ],
)
def test_a_flag_within_code_is_none(code):
    parsed = parse(code)
    assert parsed.flags == ()
    assert parsed.prompt == code.strip()
    assert all("stands in code, so it is text" in warning for warning in parsed.warnings)


@pytest.mark.parametrize(
    "text",
    [
        "[Flag: cheap] It costs 5` of rain",
        "One ` here [Flag: cheap]",
        "One ` here\n\nand ` there [Flag: cheap]",
        "- it`s\n- [Flag: cheap]\n- it`s",
        "Not alike: ` [Flag: cheap] ``",
        "Escaped: \\` [Flag: cheap] `",
        "`code` [Flag: cheap] `code`",
        "```\ncode\n```\n[Flag: cheap]",
        "~~~\n```\n~~~\n[Flag: cheap]",
        "Not at the start of a line ``` [Flag: cheap]",
        "[Flag: cheap]\n```\nnever closed",
        "``` one line `` [Flag: cheap]",
    ],
)
def test_a_flag_outside_code_is_one(text):
    assert [f.text for f in parse(text).flags] == ["cost=2.0"]


def test_a_flag_in_code_is_said_only_if_it_would_act():
    assert parse("Is `[Flag: cheap]` right?").warnings == (
        "'[Flag: cheap]' stands in code, so it is text and not a flag.",
    )
    assert parse("Is `[Flag: cheep, R/O]` right?").warnings == ()


@pytest.mark.parametrize(
    ("text", "limit"), [("max latency 0", 0.0), ("max cost +0.5", 0.5), ("max cost $1.", 1.0), ("max tokens 1e2", 100)]
)
def test_numbers_as_people_write_them(text, limit):
    parsed = parse(f"[Flag: {text}] x")
    assert [f.value for f in parsed.flags] == [limit]
    assert parsed.warnings == ()


def test_contradicting_flags_are_said_and_the_last_counts():
    parsed = parse("[Flag: cost=0.4] Hello [Flag: cost=0.1, max size 7B, max size 70B]")
    assert [f.text for f in parsed.flags] == ["cost=0.1", "max size 70.0"]
    assert len(parsed.warnings) == 2
    assert "contradict" in parsed.warnings[0]


def test_flags_override_sliders_and_leave_the_rest():
    wish = apply(
        parse("[Flag: cost=0.4, local only] x").flags, Preferences({"cost": 1.0, "size": 0.2}, {"latency": 3.0})
    )
    assert wish.weights == {"cost": 0.4, "size": 0.2}
    assert wish.limits == {"latency": 3.0, "security": 0.0}


VALUES = st.floats(0, 10, allow_nan=False).map(abs)
FLAGS = st.lists(
    st.builds(Flag, st.sampled_from(["weight", "limit"]), st.sampled_from(list(CONSTRAINTS)), VALUES),
    unique_by=lambda f: (f.kind, f.constraint),
    max_size=8,
)


@given(FLAGS)
def test_written_flags_are_read_back(flags):
    parsed = parse(write(flags))
    assert parsed.flags == tuple(flags)
    assert parsed.warnings == ()
    assert parsed.prompt == ""


@given(st.text(max_size=300), FLAGS, st.text(max_size=300))
def test_any_text_survives_and_nothing_raises(before, flags, after):
    parsed = parse(before + write(flags) + after)
    if not set("[]`~") & set(before + after):
        assert parsed.flags == tuple(flags)
        assert parsed.prompt == (before + after).strip()


@given(st.text("[]flags: cheap=0.4`~\n-,", max_size=200))
def test_without_a_flag_that_acts_the_prompt_is_as_it_was(text):
    parsed = parse(text)
    if not parsed.flags:
        assert parsed.prompt == text.strip()


@pytest.mark.parametrize(
    "unit", ["[flag: ", "[flag: a]", "[flags: a,b]", "`", "``` ", "\\`", "~~~\n", "> ", "[ ", "- `"]
)
def test_hostile_text_is_read_in_few_steps(unit, monkeypatch):
    looked_up = []
    close = difflib.get_close_matches
    monkeypatch.setattr(difflib, "get_close_matches", lambda *a, **k: looked_up.append(a[0]) or close(*a, **k))
    parse(unit * 20_000)
    assert len(looked_up) <= MOST_LOOKED_UP
