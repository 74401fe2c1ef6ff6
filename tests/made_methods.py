"""A small world in which every method can be fitted: two sources, three domains, five experts, no text."""

from types import MappingProxyType
from typing import Any

import numpy as np

from routing import encoder as graph
from routing.encoder import Card
from routing.schema import Features
from routing.training.methods import fit_methods
from routing.training.methods.data import TrainingSet
from routing.training.tables import Table

WIDTH, PIECES = 16, 60
EXPERTS = ("ada", "bob", "cyd", "dee", "eve")
SOURCES = ("exams", "puzzles")
PLACES = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 4))
"""(source, expert) of every column: eve was never asked an exam, ada and dee no puzzle."""
DOMAINS = np.array(["law", "maths", "code"], dtype=object)


def training_set(n: int, *, experts=EXPERTS, places=PLACES, seed: int = 0) -> TrainingSet:
    """Prompts in three clear groups; each expert is good at one of them; one outcome in ten is missing."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    vector = 0.4 * rng.normal(size=(n, WIDTH)) / 4.0
    vector[np.arange(n), kind] += 1.0
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    source = np.where(np.arange(n) % 2 == 0, 0, 1) if max(s for s, _ in places) else np.zeros(n, dtype=int)
    score = np.full((n, len(places)), np.nan)
    lots, gaps = rng.random((n, len(EXPERTS))), rng.random((n, len(EXPERTS)))
    for column, (s, e) in enumerate(places):
        who = EXPERTS.index(experts[e])
        solved = (lots[:, who] < np.where(kind == who % 3, 0.9, 0.3)).astype(float)
        score[:, column] = np.where((source == s) & ((gaps[:, who] > 0.1) | (n == 1)), solved, np.nan)
    tokens = np.where(np.isfinite(score), 20.0 + 100.0 * kind[:, np.newaxis], np.nan)
    return TrainingSet(
        vector=vector,
        local=vector + 0.01,
        pieces=[[1, *(10 + 5 * k + rng.integers(0, 5, 6)), 2] for k in kind],
        task=DOMAINS[kind],
        source=source.astype(np.int64),
        score=score,
        output_tokens=tokens,
        column_source=np.array([s for s, _ in places], dtype=np.int64),
        column_expert=np.array([e for _, e in places], dtype=np.int64),
        is_thin=np.zeros(len(places), dtype=bool),
        sources=SOURCES[: max(s for s, _ in places) + 1],
        experts=tuple(experts),
        n_pieces=PIECES,
        domain=DOMAINS[kind],
    )


def table_of(data: TrainingSet) -> Table:
    """The measurements of a training set."""
    empty = np.full_like(data.score, np.nan)
    unknown = np.full(len(data.experts), np.nan)
    return Table(
        sources=data.sources,
        experts=data.experts,
        source=data.source,
        column_source=data.column_source,
        column_expert=data.column_expert,
        is_thin=data.is_thin,
        score=data.score,
        output_tokens=data.output_tokens,
        reading_ease=empty,
        mean_tokens=unknown,
        mean_ease=unknown,
        helper=empty[:, :0],
    )


def fitted(data: TrainingSet, names=()) -> dict[str, dict[str, Any]]:
    """Arrays of every method."""
    return fit_methods(data, table_of(data), names)


def card_of(data: TrainingSet, methods=None, **more: Any) -> Card:
    """A card in memory."""
    raw = {"mean_score": {name: 0.3 + 0.1 * EXPERTS.index(name) for name in data.experts}, **more}
    return Card(data.experts, MappingProxyType(raw), methods=methods)


def features_of(data: TrainingSet) -> Features:
    """What the graph would say of these prompts: outputs made of the prompts and the experts' names."""
    n = len(data.source)
    who = np.array([EXPERTS.index(name) for name in data.experts])
    base = (0.2 + 0.1 * who + 0.2 * data.vector[:, :1]).astype(np.float32)
    heads = dict.fromkeys((*graph.HEADS, *graph.COMPONENTS), base)
    heads["output_tokens"] = 100.0 * base
    heads["share"] = np.eye(len(data.sources), dtype=np.float32)[data.source]
    heads["local"] = data.local.astype(np.float32)
    return Features(
        vector=data.vector.astype(np.float32),
        heads=heads,
        graph_experts=data.experts,
        familiarity=np.ones(n, dtype=np.float32),
        input_tokens=np.full(n, 10, dtype=np.int64),
        is_truncated=np.zeros(n, dtype=bool),
        pieces=data.pieces,
    )
