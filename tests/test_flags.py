"""Flags: what people write, what comes of it, and that writing and reading agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.flags import Flag, apply, parse, write
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
        ("[Flag: cots=0.4]", "Did you mean 'cost'"),
        ("[Flag: purple]", "'purple' is not known"),
        ("[Flag: cost=40]", "a weight is 0 (ignored) to 10"),
        ("[Flag: min cost $1]", "cost is bounded with 'max'"),
        ("[Flag: max readability 50]", "readability is bounded with 'min'"),
        ("[Flag: max cost 3 seconds]", "cost is given in"),
        ("[Flag: ]", "empty flag"),
        ("[Flag: max cost $0,002]", "'max cost $0,002' is not known"),
        ("[Flag: max cost 1e999]", "a limit is a finite number"),
        ("[Flag: zqzq]" * 9000, "8,995 more flags"),
        ("[Flag: cheap", "not closed"),
        ("[Flag: " + "x" * 600 + "]", "too long"),
        ("[Flag: " + "x" * 300 + "]", "..."),
    ],
)
def test_what_is_not_understood_is_said_and_changes_nothing(text, warning):
    parsed = parse(f"Hello {text}")
    assert parsed.flags == ()
    assert any(warning in w for w in parsed.warnings)


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
    if "[" not in before + after and "]" not in before + after:
        assert parsed.flags == tuple(flags)
        assert parsed.prompt == (before + after).strip()
