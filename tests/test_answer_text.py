"""Untrusted answers become harmless, stay readable, and take bounded time; reading ease as in the outcome data."""

import time

import pytest

from routing.answer.text import reading_ease, safe_markdown
from tests.loopback import HOSTILE


def test_hostile_markup_becomes_harmless() -> None:
    shown = safe_markdown(HOSTILE)
    prose = shown.split("```")[0]
    assert "<script" not in prose.replace("\\<", "")
    assert "![" not in prose
    assert "](javascript:" not in shown
    assert "](data:" not in shown
    assert "[image: pixel](https://evil.example/p.png?q=1)" in shown
    assert "<b>kept</b>" in shown, "code keeps its characters"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain *text* with $a < b$ and 1 < 2", "plain *text* with $a < b$ and 1 < 2"),
        ("`<b>` ``a ` <b>`` <b>", "`<b>` ``a ` <b>`` \\<b>"),
        ("[a](https://b.c) [d](HTTP://e) [f](mailto:g@h.i)", "[a](https://b.c) [d](HTTP://e) [f](mailto:g@h.i)"),
        (
            "[a](java&#115;cript:x) [b]( javascript:x) [c](<javascript:x>)",
            "[a]\\(java&#115;cript:x) [b]\\( javascript:x) [c]\\(\\<javascript:x>)",
        ),
        ("[r]: javascript:x", "\\[r]: javascript:x"),
        ("![a][r]", "&#33;[a][r]"),
        (":red[x] :material/home: 12:30", "\\:red[x] \\:material/home: 12:30"),
        ("    <b>indented code</b>", "    <b>indented code</b>"),
        ("- x\n  ```\n  <b>\n  ```\n<b>", "- x\n  ```\n  <b>\n  ```\n\\<b>"),
        ("```\nunclosed <b>", "```\nunclosed <b>"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_markup(text: str, shown: str) -> None:
    assert safe_markdown(text) == shown


# Each is an image to a browser, though a simpler reading takes it for code or mathematics.
@pytest.mark.parametrize(
    "text",
    [
        "a ` b\n\n![x](https://e.test/p)\n\n` c",
        r"\` ![x](https://e.test/p) `",
        r"\$ ![x](https://e.test/p) $",
        "$ ` $ ![x](https://e.test/p) `",
        "$$\n```\n$$\n![x](https://e.test/p)\n```",
        "<div>\n```\na\n\n```\n![x](https://e.test/p)",
        r"\![a[b]](https://e.test/p)",
        "[^1]: a\n\n    ![x](https://e.test/p)\n\nb [^1]",
        "```\n![a]\n\n1. > [a]:\n```",
    ],
)
def test_no_image_is_left_whatever_passes_for_code(text: str) -> None:
    assert "![" not in safe_markdown(text)


def test_code_keeps_what_only_looks_like_an_image() -> None:
    rust = "```rust\nlet a = vec![1, 2];\nlet b = grid[i][j];\n```\n\n[more](https://doc.rust-lang.org)"
    assert safe_markdown(rust) == rust


@pytest.mark.parametrize(
    "unit", ["`", "`` ` ", "![a", "<a", "$", "[a](b", "$a ", "[ > ", "> ", "[a]: ", "[\n", "![a]("]
)
def test_markup_is_bounded(unit: str) -> None:
    began = time.monotonic()
    safe_markdown((unit * 100_000)[:100_000])
    assert time.monotonic() - began < 30.0, "a hang, not a slow machine"


def test_reading_ease() -> None:
    simple = "The cat sat on the mat. The dog ran to the park. We like to play in the sun all day. "
    hard = "Institutional considerations necessitate comprehensive organisational restructuring. " * 4
    assert reading_ease("too short") is None
    assert reading_ease("Short.\n```\n" + "word " * 40 + "\n```") is None
    easy, difficult = reading_ease(simple * 2), reading_ease(hard)
    assert easy is not None
    assert difficult is not None
    assert easy > 80 > 20 > difficult
