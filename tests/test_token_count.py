"""Tokens counted as a current model counts them: no download, no surprise on odd texts, no time with the square."""

import json
import os
import subprocess
import sys

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from routing import token_count
from routing.errors import GraphError
from routing.token_count import count_tokens

# The count of each text by tiktoken's own o200k_base.
SAMPLES = {
    "The sky is blue.": 5,
    "": 0,
    "0123456789abcdef" * 50: 250,
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" * 20: 420,
    "ACGTTGCA" * 100: 500,
    "ภาษาไทยไม่มีช่องว่าง": 6,
    "မြန်မာဘာသာစကား": 7,
    "今天天气怎么样？": 5,
    "def f(x):\n    return x + 1\n": 11,
    "🙂🙃🥰": 5,
    " " * 1000: 9,
    "<|endoftext|>": 7,
}


@pytest.fixture(scope="module")
def counted_by_tiktoken():
    """Counts of tiktoken's own encoding, asked in a process that reads the same file and has no network."""
    code = (
        "import json, sys, tiktoken\n"
        "encoding = tiktoken.get_encoding('o200k_base')\n"
        "print(json.dumps([len(encoding.encode_ordinary(t)) for t in json.load(sys.stdin)]))"
    )
    cache = str(token_count.vocabulary_path().parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(list(SAMPLES)),
        env={**os.environ, "TIKTOKEN_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_counts_are_those_of_the_library_itself(counted_by_tiktoken):
    assert [count_tokens(text) for text in SAMPLES] == counted_by_tiktoken == list(SAMPLES.values())


def test_counting_leaves_the_environment_alone_and_imports_no_litellm():
    code = (
        "import os, sys; before = dict(os.environ)\n"
        "from routing.token_count import count_tokens; count_tokens('one two')\n"
        "print(dict(os.environ) == before, 'litellm' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False"]


@given(st.text(max_size=400))
def test_any_text_has_at_least_one_token_and_at_most_one_a_byte(text):
    assert (1 if text else 0) <= count_tokens(text) <= len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("unit", ["a", " ", "\n", "`", "7", "ก", "🙂", "word ", "\u0301"])
def test_a_long_text_is_counted_part_by_part_and_still_right(unit, monkeypatch):
    text = unit * (30_000 // len(unit))
    in_parts = count_tokens(text)
    monkeypatch.setattr(token_count, "_PART", len(text))
    whole = count_tokens(text)
    assert whole <= in_parts <= whole + 6  # three parts: a token or two at every cut


def test_no_part_is_longer_than_is_counted_in_linear_time(monkeypatch):
    seen = []

    class Encoding:
        def encode_ordinary(self, text):
            seen.append(len(text))
            return [0]

    monkeypatch.setattr(token_count, "_load", Encoding)
    assert count_tokens("x" * 95_000) == 10
    assert seen == [10_000] * 9 + [5_000]


def test_lone_surrogates_are_counted():
    assert count_tokens("a\udcff b") >= 2


def test_a_missing_or_exchanged_vocabulary_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(token_count, "vocabulary_path", lambda: tmp_path / "none")
    with pytest.raises(GraphError, match=r"vocabulary that prompts are counted with is not in the litellm package"):
        token_count._load.__wrapped__()
    (tmp_path / "none").write_bytes(b"IQ== 0\n")
    with pytest.raises(GraphError, match=r"has SHA-256 [0-9a-f]{12} where 446a9538cb6c is expected"):
        token_count._load.__wrapped__()


def test_the_encoding_is_loaded_once():
    count_tokens("one")
    assert token_count._load() is token_count._load()
    assert isinstance(token_count._load(), tiktoken.Encoding)
