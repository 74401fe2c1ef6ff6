"""What the encoder reads: ordinary text as the tokenizer gives it, and no two texts swallowed into the same piece."""

import itertools
import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from routing.catalog import ASSETS
from routing.encoder import TOKENIZER_FILE, load
from routing.registry import load_router
from routing.router import MOST_BROKEN
from routing.word_pieces import MAX_TOKENS, WordPieceReader


def tokenizer():
    opened = Tokenizer.from_file(str(ASSETS / TOKENIZER_FILE))
    opened.no_padding()
    opened.no_truncation()
    return opened


PLAIN = tokenizer()  # as it is, without the reader's changes
READER = WordPieceReader(tokenizer())
UNKNOWN = PLAIN.token_to_id("[UNK]")
VECTORS = load(ASSETS, heads=())
HEX = [random.Random(seed).randbytes(2_000).hex() for seed in (1, 2)]  # noqa: S311
# Two texts each that WordPiece makes the same pieces of, or that hold nothing it knows.
PAIRS = {
    "hexadecimal": HEX,
    "one word of 101 letters": ["b" * 101, "b" * 100 + "c"],
    "Thai": ["แมวนอนบนโต๊ะ", "ฝนตกทุกวันเลย"],
    "Burmese": ["မင်္ဂလာပါ", "ကျေးဇူးတင်ပါတယ်"],
    "Khmer": ["សួស្តី", "អរគុណច្រើន"],
    "Lao": ["ສະບາຍດີ", "ຂອບໃຈຫຼາຍໆ"],
    "Thai that differs in a vowel": ["ภาษาที่ดี", "ภาษาที่ดื"],
    "Burmese that differs in a tone": ["ကျွန်ုပ်", "ကျွန်ုပ့်"],
    "Hindi that differs in a vowel": ["ङुछ", "ङूछ"],
    "Ethiopic": ["ሰላም", "አመሰግናለሁ"],
    "rare ideographs": ["龘靐齉", "爨癵驫"],
    "one ideograph": ["龘", "\u9f99"],
    "emoji": ["🐙", "🦑"],
    "symbols": ["∮ ∰", "∯ ∭"],
    "private characters": ["\ue000\ue001", "\ue001\ue000"],
    "characters of another encoding": ["\ufffd" * 3, "\ufffd" * 4],
}


def plain_pieces(text):
    ids = PLAIN.encode(text).ids
    return ids if len(ids) <= MAX_TOKENS else [*ids[:128], *ids[-128:]]


def examples():
    found = json.loads((ASSETS / "examples.json").read_text(encoding="utf-8"))
    probes = json.loads((ASSETS / "probes.json").read_text(encoding="utf-8"))

    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for one in value.values():
                yield from texts(one)
        elif isinstance(value, list):
            for one in value:
                yield from texts(one)

    return [text for text in {*texts(found), *texts(probes)} if text.strip()]


def test_every_text_of_the_project_has_the_pieces_of_the_tokenizer():
    ordinary = [text for text in examples() if UNKNOWN not in PLAIN.encode(text).ids]
    assert len(ordinary) > 200
    for text, read in zip(ordinary, READER.read(ordinary), strict=True):
        assert read.ids == plain_pieces(text), text
        assert read.is_truncated == (len(PLAIN.encode(text).ids) > MAX_TOKENS)


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=40), max_size=60).map(" ".join))
def test_words_of_ascii_have_the_pieces_of_the_tokenizer(text):
    if any(f"[{word}]" in text for word in ("UNK", "SEP", "CLS", "PAD", "MASK")):
        return
    assert READER.read([text])[0].ids == plain_pieces(text)


@given(st.text(max_size=300))
def test_whatever_the_text_at_most_256_pieces_are_read_and_none_is_unknown(text):
    read = READER.read([text])[0]
    assert len(read.ids) <= MAX_TOKENS
    assert UNKNOWN not in read.ids
    assert read.ids[0], read.ids[-1] == (101, 102)
    assert 0.0 <= read.broken_share <= 1.0


@given(st.lists(st.text(max_size=200), min_size=2, max_size=4))
def test_a_text_is_read_alike_alone_and_beside_others(texts):
    together = READER.read(texts)
    assert [read.ids for read in together] == [READER.read([text])[0].ids for text in texts]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_texts_are_not_one_vector(pair):
    one, other = VECTORS.encode(pair).vector
    assert not np.allclose(one, other, atol=1e-3)


def test_every_two_letters_of_a_script_differ():
    for first, last in (("\u0e01", "\u0e2e"), ("\u1000", "\u1021"), ("\u1780", "\u17a2"), ("\u1200", "\u1350")):
        letters = [chr(code) for code in range(ord(first), ord(last))]
        pieces = [tuple(read.ids) for read in READER.read(letters)]
        assert len(set(pieces)) == len(letters)


def test_every_two_emoji_and_ideographs_differ():
    some = [*map(chr, range(0x1F300, 0x1F650)), *map(chr, range(0x4E00, 0x9FA6))]
    assert len({tuple(read.ids) for read in READER.read(some)}) == len(some)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("∀", ["for", "all"]),
        ("🎉", ["party", "pop", "##per"]),
        ("Ｈｅｌｌｏ", ["hello"]),
        ("𝐇𝐞𝐥𝐥𝐨", ["hello"]),
        ("[SEP] [MASK]", ["[", "sep", "]", "[", "mask", "]"]),
    ],
)
def test_what_can_be_read_is_read(text, words):
    read = READER.read([text])[0]
    assert [PLAIN.id_to_token(piece) for piece in read.ids[1:-1]] == words
    assert read.broken_share == 0.0


def test_the_words_beside_a_broken_one_stay():
    pieces = [PLAIN.id_to_token(piece) for piece in READER.read(["Translate ภาษา into German"])[0].ids]
    assert pieces[1] == "translate"
    assert pieces[-3:-1] == ["into", "german"]
    assert "[unused634]" in pieces  # U+0E20 is 3,616, which is 634 modulo 994


@pytest.mark.parametrize(
    ("text", "is_mostly_broken"),
    [
        ("Explain how rainbows form in one paragraph.", False),
        ("Great work 🎉🎉", False),
        ("Was ist die Donaudampfschifffahrtsgesellschaft?", False),
        (HEX[0], True),
        ("AGCT" * 15 + "\n" + "TTGA" * 15, True),
        ("ဘယ်လိုနေလဲ", True),
        ("\u200b\u200b", True),
    ],
)
def test_splinters_of_words_are_counted(text, is_mostly_broken):
    assert (READER.read([text])[0].broken_share > MOST_BROKEN) is is_mostly_broken


def test_only_the_ends_of_a_long_word_are_broken():
    pieces = READER._pieces("x" * 200_000, PLAIN.encode("x" * 200_000), [None, 0, None])
    assert len(list(itertools.islice(pieces, 10))) == 10
    one, other = READER.read(["a" * 150_000 + end for end in ("b" * 50_000, "c" * 50_000)])
    assert one.is_truncated
    assert one.ids[:128] == other.ids[:128]
    assert one.ids[128:] != other.ids[128:]


def test_the_middle_of_a_prompt_of_over_200_000_characters_is_not_tokenised():
    read = READER.read(["start " + " " * 300_000 + "middle" + " " * 300_000 + " end"])[0]
    assert len(read.text) == 200_000
    assert [PLAIN.id_to_token(piece) for piece in read.ids] == ["[CLS]", "start", "end", "[SEP]"]
    assert read.is_truncated


@pytest.fixture(scope="module")
def router():
    return load_router()


def test_a_prompt_of_splinters_is_said_to_be_unfamiliar(router):
    reading = router.read("Whose key is this: " + HEX[0])
    assert not reading.is_familiar
    assert reading.unfamiliar_because.startswith("The router can read little of this prompt: 9")
    assert "splinters of words" in reading.unfamiliar_because


def test_a_prompt_unlike_all_others_is_said_to_be_unfamiliar(router):
    reading = router.read("What is 17 times 23?")
    assert reading.is_familiar
    assert not reading.unfamiliar_because
    strict = load_router()
    strict.unfamiliar_below = 1.1
    reading = strict.read("What is 17 times 23?")
    assert reading.unfamiliar_because.startswith("This prompt is unlike nearly all that the router was trained on (sim")


def test_tokens_of_a_prompt_are_those_of_a_model_and_its_cost_follows(router):
    short, long = (router.read(text) for text in ("Which hash is this?", HEX[0]))
    assert long.input_tokens > 2_000 > 10 > short.input_tokens
    cheap, dear = (router.route(text).decision.options.values["cost"] for text in ("Which hash is this?", HEX[0]))
    assert np.nansum(dear) > np.nansum(cheap)


def test_a_long_prompt_says_what_is_read_of_it(router):
    assert router.read("word " * 300).warnings == (
        "The prompt has 300 tokens; the predictions rest on its beginning and its end, the first 128 and the last 128 "
        "word pieces. Experts get all of it.",
    )
