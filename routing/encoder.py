"""Prompts to features: tokens in, one run of the ONNX graph, sentence vectors and every head's output out.

The graph, its tokenizer and its card belong together: hashes, shapes and the numbers of a canonical sentence are
checked before the first prompt, so that a damaged or exchanged file is refused instead of quietly routing badly.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from routing.errors import GraphError, PromptError
from routing.runtime import open_session, run_graph
from routing.schema import Features
from routing.token_count import count_tokens
from routing.word_pieces import WordPieceReader

GRAPH_FILE: Final = "router.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
CARD_FILE: Final = "router_card.json"
HEADS: Final = ("score", "score_low", "score_high", "output_tokens", "reading_ease")
COMPONENTS: Final = ("score_clusters", "score_neighbours", "score_linear", "score_network")
SERVED_THREADS: Final = 2  # of one run for a person who waits; many prompts take the least processor time with one
GOLDEN_TOLERANCE: Final = 0.03  # INT8 kernels round differently from one processor family to the next


@dataclass(frozen=True, slots=True)
class Card:
    """The router card: what the graph is, was trained on, and must answer.

    Args:
        experts: Order of the columns of every head.
        raw: The whole JSON object; see README for its keys.
        folder: Where it was read, and where the arrays of further methods lie; None for a card in memory.
        methods: Arrays of further methods by name, where they are in memory; else they are read from the folder.
    """

    experts: tuple[str, ...]
    raw: Mapping[str, Any]
    folder: Path | None = None
    methods: Mapping[str, Mapping[str, NDArray[Any]]] | None = None

    def number(self, key: str, expert: str) -> float:
        """A per-expert number of the card, NaN where the card states none."""
        value = self.raw.get(key, {}).get(expert)
        return float("nan") if value is None else float(value)

    def numbers(self, key: str) -> NDArray[np.float64]:
        """A per-expert number for every expert of the graph, shape (n_experts,), NaN where unknown."""
        return np.array([self.number(key, expert) for expert in self.experts])


def read_card(assets: Path) -> Card:
    """Read the router card of a folder.

    Raises:
        GraphError: It is missing, or is not a card.
    """
    path = assets / CARD_FILE
    try:
        raw = json.loads(_bytes(path).decode("utf-8"))
        return Card(tuple(raw["experts"]), raw, assets)
    except (ValueError, KeyError, TypeError) as error:
        raise GraphError(f"{path.name} is not a router card ({error!r}); restore it or run training again.") from error


class OnnxEncoder:
    """The shipped encoder: tokenises, keeps both ends of a long prompt, and runs the graph once a prompt.

    Long prompts: the encoder reads 256 word pieces. The instruction stands at the start of a prompt and the question,
    the options or the required form at its end, so the first and the last 128 are read.

    Source: on validation prompts over 256 tokens both ends beat the first 256 (README, "How the router was trained").
    """

    def __init__(
        self, session: ort.InferenceSession, tokenizer: Tokenizer, card: Card, *, heads: Sequence[str] = HEADS
    ) -> None:
        self.card = card
        self.reader = WordPieceReader(tokenizer)
        self._session = session
        self._heads = tuple(heads)

    @property
    def experts(self) -> tuple[str, ...]:
        """Experts the graph predicts, in column order."""
        return self.card.experts

    def encode(self, prompts: Sequence[str]) -> Features:
        """Encode prompts, one row each, in their order.

        Raises:
            PromptError: There is no prompt, or one of them is blank.
        """
        if not prompts or any(not prompt.strip() for prompt in prompts):
            raise PromptError("The prompt is empty. Write a question or an instruction first.")
        read = self.reader.read(prompts)
        ids = [row.ids for row in read]
        outputs = run_graph(self._session, ids, ("vector", "familiarity", *self._heads))
        return Features(
            vector=outputs["vector"],
            heads={name: outputs[name] for name in self._heads},
            graph_experts=self.card.experts,
            familiarity=outputs["familiarity"],
            input_tokens=np.array([count_tokens(prompt) for prompt in prompts], dtype=np.int64),
            is_truncated=np.array([row.is_truncated for row in read]),
            broken_share=np.array([row.broken_share for row in read]),
            pieces=ids,
        )


def load(assets: Path, *, heads: Sequence[str] = HEADS, threads: int = 1) -> OnnxEncoder:
    """Open graph, tokenizer and card of a folder, and check that they belong together.

    Args:
        assets: Folder with router.onnx, tokenizer.json and router_card.json.
        heads: Outputs to compute beside vector and familiarity; those not asked for cost nothing.
        threads: Processor threads of one run; the numbers are the same to the last digit whatever it is.

    Raises:
        GraphError: A file is missing or damaged, a hash or an output differs from the card, or the canonical
            sentence is answered with other numbers.
    """
    card = read_card(assets)
    graph, words = _bytes(assets / GRAPH_FILE), _bytes(assets / TOKENIZER_FILE)
    for name, content, key in ((GRAPH_FILE, graph, "graph_sha256"), (TOKENIZER_FILE, words, "tokenizer_sha256")):
        seen, stated = sha256(content).hexdigest(), card.raw.get(key)
        if seen != stated:
            raise GraphError(
                f"{name} has SHA-256 {seen[:12]} where the router card states {str(stated)[:12]}; "
                "restore the files of one training run together, or run training again."
            )
    session = open_session(graph, threads)
    given = {output.name for output in session.get_outputs()}
    absent = [name for name in ("vector", "familiarity", *heads) if name not in given]
    if absent:
        raise GraphError(
            f"{GRAPH_FILE} has no output {absent[0]!r}, only {', '.join(sorted(given))}; run training again."
        )
    encoder = OnnxEncoder(session, Tokenizer.from_str(words.decode("utf-8")), card, heads=heads)
    _check_golden(encoder)
    count_tokens("")  # reads its vocabulary now, and not while somebody waits for the first prompt
    return encoder


def golden_of(session: ort.InferenceSession, reader: WordPieceReader, sentence: str) -> dict[str, list[float]]:
    """First numbers of vector and scores for one sentence, as they are kept on the card."""
    found = run_graph(session, [row.ids for row in reader.read([sentence])], ("vector", "score"))
    return {name: [round(float(x), 5) for x in found[name][0][:8]] for name in ("vector", "score")}


def _check_golden(encoder: OnnxEncoder) -> None:
    golden = encoder.card.raw.get("golden")
    if not isinstance(golden, Mapping):
        raise GraphError("The router card has no canonical sentence under 'golden'; run training again.")
    found = golden_of(encoder._session, encoder.reader, str(golden["sentence"]))
    for name, numbers in found.items():
        gap = float(np.nanmax(np.abs(np.array(numbers) - np.array(golden[name], dtype=float))))
        if not gap <= GOLDEN_TOLERANCE:
            raise GraphError(
                f"The graph answers the canonical sentence with a {name} that is {gap:.3f} away from the router card "
                f"(allowed {GOLDEN_TOLERANCE}); restore the files of one training run, or run training again."
            )
    width = encoder._session.get_outputs()
    shapes = {output.name: output.shape for output in width}
    if shapes["score"][-1] != len(encoder.experts):
        raise GraphError(
            f"The graph scores {shapes['score'][-1]} experts where the router card names {len(encoder.experts)}; "
            "restore the files of one training run together."
        )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GraphError(f"{path.name} is missing from {path.parent}; restore it or run `make train`.") from error
