"""Fit GLIDER-style routing: task instructions, cards, gates, and how they are combined (arXiv:2410.07172)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.glider_cards import ExpertCards
from routing.predictors.glider_edit import cards_hash
from routing.predictors.glider_score import global_cosines, mixed, standardised
from routing.predictors.links import softmax, unit
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.glider_alpha import ALPHAS, Scores, calibrate, choose, regrets
from routing.training.methods.glider_cards import CARDS, Tasks, card_sentences, ranked, tasks_of
from routing.training.methods.glider_gates import Gates, basis, fit_gates, joined
from routing.training.tables import IntArray

TEMPERATURE: Final = 0.05  # softness of the nearest tasks; 0.02, 0.05 and 0.1 were tried on validation prompts
FEWEST_TASKS: Final = 3  # of a source, before leaving one out says something
LEAST_SCALE: Final = 0.05  # of a global score: where it hardly varies within a source, it says little


@dataclass(frozen=True, slots=True)
class Global:
    """The global side of the method.

    Args:
        tasks: Training tasks.
        centroids: Unit mean vectors of their prompts, shape (n_tasks, width).
        instructions: Unit vectors of their instructions.
        sentences: The card that each task would make.
        cards: Unit vectors of these.
        best: Tasks of every expert, the best first.
    """

    tasks: Tasks
    centroids: Floats
    instructions: Floats
    sentences: tuple[str, ...]
    cards: Floats
    best: list[list[int]]

    def is_own(self, without: int = -1) -> NDArray[np.bool_]:
        """Whose card is whose, shape (n_experts, n_tasks), as if one task had never been seen."""
        own = np.zeros((len(self.best), len(self.cards)), dtype=bool)
        for expert, order in enumerate(self.best):
            own[expert, [task for task in order if task != without][:CARDS]] = True
        return own


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """Fit all forms of the method on training prompts, in seconds."""
    found = _global(data)
    share = data.vector @ found.centroids.T / TEMPERATURE
    cosines = global_cosines(mixed(softmax(share), found.instructions), found.cards, found.is_own())
    unseen = _without_own_task(share, found)
    columns = [data.columns_of(source) for source in range(len(data.sources))]
    columns = [at[~data.is_thin[at]] for at in columns]
    parts, mean, scale = [], np.zeros(data.score.shape[1]), np.ones(data.score.shape[1])
    to_axes = basis(data.local)
    for source, at in enumerate(columns):
        rows = data.rows_of(source)
        score, task = data.score[np.ix_(rows, at)], found.tasks.index[rows]
        parts.append(fit_gates(data.local[rows], score, task, to_axes, seed=data.seed))
        mean[at], scale[at] = _moments(cosines[np.ix_(rows, data.column_expert[at])])
    intercept, slope, numbers = _combination(data, columns, parts, (cosines, unseen), (mean, scale), found.tasks)
    own = found.is_own()
    used = own.any(axis=0)
    texts = {
        name: ExpertCards("", tuple(found.sentences[i] for i in order[:CARDS]))
        for name, order in zip(data.experts, found.best, strict=True)
        if order
    }
    return {
        **joined(parts, columns, data.local.shape[1], data.score.shape[1]),
        **numbers,
        "centroids": found.centroids.astype(np.float16),
        "instructions": found.instructions.astype(np.float16),
        "temperature": np.array(TEMPERATURE),
        "cards": found.cards[used].astype(np.float16),
        "is_own": own[:, used].astype(np.uint8),
        "cards_hash": np.array(cards_hash(texts), dtype=np.int64),
        "global_mean": mean,
        "global_scale": scale,
        "column_expert": data.column_expert.astype(np.int16),
        "column_source": data.column_source.astype(np.int16),
        "alphas": np.array(ALPHAS),
        "intercept": intercept,
        "slope": slope,
    }


def _global(data: TrainingSet) -> Global:
    tasks = tasks_of(data)
    sums = np.zeros((len(tasks.names), data.vector.shape[1]))
    np.add.at(sums, tasks.index, data.vector)
    sentences = card_sentences(data, tasks)
    return Global(
        tasks=tasks,
        centroids=unit(sums),
        instructions=embedded(data, tasks.instructions),
        sentences=sentences,
        cards=embedded(data, sentences),
        best=ranked(data, tasks),
    )


def embedded(data: TrainingSet, texts: Sequence[str]) -> Floats:
    """Unit vectors of sentences by the router's encoder, or by hashed words where the training set has no encoder."""
    if data.language is not None:
        return unit(np.asarray(data.language.embed(texts), dtype=np.float64))
    width = data.vector.shape[1]
    vectors = np.zeros((len(texts), width))
    for row, text in enumerate(texts):
        for word in re.findall(r"[a-z]+", text.lower()):
            digest = blake2b(word.encode(), digest_size=8).digest()
            vectors[row, int.from_bytes(digest[:4], "big") % width] += 1.0 if digest[4] % 2 else -1.0
    return unit(vectors)


def _without_own_task(share: Floats, found: Global) -> Floats:
    """Global cosines of every prompt as if its own task had never been seen, shape (n_prompts, n_experts)."""
    cosines = np.full((len(share), len(found.best)), np.nan)
    for task in range(len(found.tasks.names)) if len(found.tasks.names) > 1 else ():
        rows = np.flatnonzero(found.tasks.index == task)
        others = share[rows].copy()
        others[:, task] = -np.inf
        instruction = mixed(softmax(others), found.instructions)
        cosines[rows] = global_cosines(instruction, found.cards, found.is_own(without=task))
    return cosines


def _combination(
    data: TrainingSet,
    columns: Sequence[IntArray],
    parts: Sequence[Gates],
    cosines: tuple[Floats, Floats],
    moments: tuple[Floats, Floats],
    tasks: Tasks,
) -> tuple[Floats, Floats, dict[str, NDArray[np.float64]]]:
    """Calibrate on prompts left out with others, then choose weights and threshold on tasks left out."""
    base = data.base()
    intercept = np.tile(np.log(base / (1.0 - base)), (len(ALPHAS), 1))
    slope = np.zeros_like(intercept)
    regret = np.zeros((len(data.source), len(ALPHAS)))
    is_fair = np.zeros(len(data.source), dtype=bool)
    for source, (at, part) in enumerate(zip(columns, parts, strict=True)):
        rows = data.rows_of(source)
        place, score = np.ix_(rows, data.column_expert[at]), data.score[np.ix_(rows, at)]
        seen, unseen = (standardised(c[place], moments[0][at], moments[1][at]) for c in cosines)
        intercept[:, at], slope[:, at] = calibrate(Scores(part.by_prompt, seen, score))
        regret[rows] = regrets(Scores(part.by_task, unseen, score), intercept[:, at], slope[:, at])
        is_fair[rows] = len(np.unique(tasks.index[rows])) >= FEWEST_TASKS
    best = np.nan_to_num(cosines[1], nan=0.0).max(axis=1, initial=0.0)
    return intercept, slope, choose(regret[is_fair], best[is_fair])


def _moments(cosines: Floats) -> tuple[Floats, Floats]:
    if not len(cosines):
        return np.zeros(cosines.shape[1]), np.ones(cosines.shape[1])
    known = np.where(np.isnan(cosines).all(axis=0), 0.0, cosines)
    return known.mean(axis=0), np.maximum(known.std(axis=0), LEAST_SCALE)
