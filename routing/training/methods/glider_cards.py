"""Make instruction cards: the tasks that an expert does better than its rivals, beyond its usual lead."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.catalog import ASSETS
from routing.errors import DataError
from routing.predictors.glider_cards import CARDS_FILE, KEY_PHRASES, ExpertCards, load_cards, save_cards
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.tables import IntArray

INSTRUCTIONS_FILE: Final = "instructions.json"
CARDS: Final = 6  # per expert; 4, 6 and 10 were tried on validation prompts
FEWEST: Final = 10  # outcomes in a task before it can become a card
PRIOR: Final = 20.0  # outcomes' weight of "no better than usual"
WORDS: Final = 4
LEAST_LETTERS: Final = 4
LEAST_TASKS: Final = 5  # a key word occurs in at least this many tasks: common words only, never a name of one prompt
LEAST_SHARE: Final = 0.04  # of the prompts of its task
MOST_SHARE: Final = 0.1  # of all prompts: beyond it a word marks nothing
_PLAIN_TEXT: Final = (
    "about above according against because below best between both called come does each except find following "
    "follows from given give having just known like likely many more most much must name neither none only referred "
    "refers said seen select should shows someone such than that their them then these they this thought under were "
    "what when where which will with work would year years"
)
_PLAIN: Final = frozenset(_PLAIN_TEXT.split())
"""Words that mark the form of a question and not what it is about."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks of the training prompts.

    Args:
        names: ``source/task``, sorted.
        index: Index into ``names`` per prompt, shape (n_prompts,).
        instructions: One sentence per task.
    """

    names: tuple[str, ...]
    index: IntArray
    instructions: tuple[str, ...]


def tasks_of(data: TrainingSet) -> Tasks:
    """Tasks by source and name, with the project's own instruction, or a plain one for tasks it does not know."""
    full = np.array([f"{data.sources[s]}/{t}" for s, t in zip(data.source, data.task, strict=True)], dtype=object)
    names, index = np.unique(full.astype(str), return_inverse=True)
    known = instructions()
    return Tasks(
        tuple(str(name) for name in names),
        index.astype(np.int64),
        tuple(known.get(str(name)) or plain_instruction(str(name)) for name in names),
    )


def instructions() -> dict[str, str]:
    """The project's instruction for every task it knows.

    Raises:
        DataError: The file is missing or damaged.
    """
    path = ASSETS / INSTRUCTIONS_FILE
    try:
        return {str(name): str(text) for name, text in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as problem:
        raise DataError(f"{path.name} is not an object of sentences ({problem}). Restore it with git.") from problem


def plain_instruction(name: str) -> str:
    """An instruction for a task that the project has no sentence for.

    >>> plain_instruction("mine/legal_contracts-v2")
    'Answer a prompt of the kind legal contracts v2.'
    """
    words = name.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ")
    return f"Answer a prompt of the kind {words}."


def make_cards(data: TrainingSet, *, by: str = KEY_PHRASES) -> dict[str, ExpertCards]:
    """Cards for every expert that wins some task, from training prompts only.

    Args:
        data: Training prompts and outcomes.
        by: Who writes them.
    """
    tasks = tasks_of(data)
    sentences = card_sentences(data, tasks)
    best = ranked(data, tasks)
    cards = {name: tuple(sentences[i] for i in best[row][:CARDS]) for row, name in enumerate(data.experts)}
    return {name: ExpertCards(by, found) for name, found in cards.items() if found}


def write_cards(data: TrainingSet, folder: Path, *, earlier: Path | None = None) -> None:
    """Write the cards beside the router; those that a model or a person wrote stay as they are.

    Args:
        data: Training prompts and outcomes.
        folder: Where to write.
        earlier: Folder whose cards are looked at for those to keep; the same one if not given.

    Raises:
        CatalogError: The file that is there is damaged.
    """
    before = (earlier or folder) / CARDS_FILE
    kept = load_cards(before) if before.is_file() else {}
    written = {name: entry for name, entry in kept.items() if entry.by != KEY_PHRASES}
    save_cards({**make_cards(data), **written}, folder / CARDS_FILE)


def ranked(data: TrainingSet, tasks: Tasks) -> list[list[int]]:
    """Tasks of every expert, the best first, by how far it leads there beyond its usual lead."""
    lead = leads(data, tasks)
    found: list[list[int]] = []
    for expert in range(len(data.experts)):
        own = lead[:, data.column_expert == expert]
        most = np.where(np.isfinite(own), own, -np.inf).max(axis=1, initial=-np.inf)
        order = np.argsort(-most, kind="stable")
        found.append([int(i) for i in order if most[i] > 0.0])
    return found


def leads(data: TrainingSet, tasks: Tasks) -> Floats:
    """Mean score above the rivals of the same source, less the usual lead, shape (n_tasks, n_columns); NaN unknown."""
    shape = (len(tasks.names), data.score.shape[1])
    count, total = np.zeros(shape), np.zeros(shape)
    known = np.isfinite(data.score)
    np.add.at(count, tasks.index, known)
    np.add.at(total, tasks.index, np.where(known, data.score, 0.0))
    lead = np.full(shape, np.nan)
    for source in range(len(data.sources)):
        columns = data.columns_of(source)
        columns = columns[~data.is_thin[columns]]
        if len(columns) > 1:
            lead[:, columns] = _leads(count[:, columns], total[:, columns])
    return lead


def _leads(count: Floats, total: Floats) -> Floats:
    enough = count >= FEWEST
    mean = np.where(enough, total / np.maximum(1.0, count), 0.0)
    rivals = enough.sum(axis=1, keepdims=True) - enough
    lead = mean - (mean.sum(axis=1, keepdims=True) - mean) / np.maximum(1, rivals)
    known = enough & (rivals > 0)
    mass = np.where(known, count, 0.0)
    usual = np.where(known, lead * mass, 0.0).sum(axis=0) / np.maximum(1.0, mass.sum(axis=0))
    return np.where(known, (lead - usual) * count / (count + PRIOR), np.nan)


def card_sentences(data: TrainingSet, tasks: Tasks) -> tuple[str, ...]:
    """One sentence per task: its instruction and the words that mark its prompts."""
    words = key_words(data, tasks)
    return tuple(
        f"{text.rstrip('.')}, with words such as {', '.join(found[:-1])} and {found[-1]}." if len(found) > 1 else text
        for text, found in zip(tasks.instructions, words, strict=True)
    )


def key_words(data: TrainingSet, tasks: Tasks) -> list[list[str]]:
    """The whole words that mark the prompts of each task against all others, at most four; none without vocabulary.

    Only whole words of the encoder's own vocabulary count, and only if they occur in several tasks.
    """
    if data.language is None:
        return [[] for _ in tasks.names]
    vocabulary = data.language.vocabulary
    is_word = np.array([_is_telling(word) for word in vocabulary])
    is_rest = np.array([w.startswith("##") for w in vocabulary])
    counts = np.zeros((len(tasks.names), len(is_word)), dtype=np.float32)
    for task, row in zip(tasks.index, data.pieces, strict=True):
        ids = np.asarray(row, dtype=np.int64)
        goes_on = np.append(is_rest[ids[1:]], False) if len(ids) else np.zeros(0, dtype=bool)
        counts[task, np.unique(ids[is_word[ids] & ~goes_on])] += 1
    counts[:, counts.sum(axis=0) > MOST_SHARE * max(1, len(data.pieces))] = 0.0
    return [_marking(counts, task, int((tasks.index == task).sum()), vocabulary) for task in range(len(counts))]


def _is_telling(word: str) -> bool:
    return len(word) >= LEAST_LETTERS and word.isascii() and word.isalpha() and word not in _PLAIN


def _marking(counts: NDArray[np.float32], task: int, size: int, vocabulary: Sequence[str]) -> list[str]:
    """Words by log odds of their share in the task against their mean share elsewhere, weighted by the share."""
    here = counts[task] / max(1, size)
    others = (counts.sum(axis=0) - counts[task]) / max(1.0, float(counts.sum()) - float(counts[task].sum()))
    usual = others * max(1.0, float(counts[task].sum())) / max(1, size)
    weight = here * np.log((here + 0.01) / (usual + 0.01))
    allowed = ((counts > 0).sum(axis=0) >= LEAST_TASKS) & (here >= LEAST_SHARE) & (weight > 0)
    order = np.argsort(-np.where(allowed, weight, -np.inf), kind="stable")[:WORDS]
    return [str(vocabulary[i]) for i in order if allowed[i]]
