"""Task instructions and cards written by an LLM, where one is configured: one sentence that says what a prompt asks.

Without an LLM the router takes the instructions of the nearest training tasks; see ``predictors/glider_score.py``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from routing.answer import answers, same_request
from routing.answer.client import Settings
from routing.errors import AnswerError
from routing.keys import KeyRing
from routing.predictors.glider_cards import MOST_CARDS, MOST_CHARS, Cards, ExpertCards
from routing.predictors.glider_score import INSTRUCTION
from routing.schema import Encoder, Expert, Features

READ_CHARS: Final = 2000  # of a prompt; what it asks shows in its first lines
KEPT: Final = 4096
SYSTEM: Final = "You describe tasks. You write one short sentence and nothing else."


class LanguageModel(Protocol):
    """Whatever says one thing when asked one thing."""

    @property
    def name(self) -> str:
        """Under which name its words are labelled."""
        ...

    def say(self, prompt: str, *, system: str, max_tokens: int) -> str:
        """Its answer.

        Raises:
            AnswerError: It did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class CalledModel:
    """An expert called through LiteLLM.

    Args:
        expert: Whom to call.
        keys: Keys and own addresses.
        timeout_s: Seconds until the answer must be complete.
    """

    expert: Expert
    keys: KeyRing = field(default_factory=KeyRing)
    timeout_s: float = 60.0

    @property
    def name(self) -> str:
        """The expert's name."""
        return self.expert.name

    def say(self, prompt: str, *, system: str, max_tokens: int) -> str:
        """Its answer, cut at ``max_tokens``.

        Raises:
            AnswerError: The call failed before any text arrived.
        """
        settings = Settings(max_tokens=max_tokens, timeout_s=self.timeout_s, system=system)
        (told,) = answers(same_request([self.expert], prompt, settings), keys=self.keys)
        if told.error is not None and not told.text:
            raise told.error
        return told.text


class Writer(Protocol):
    """Whatever writes a prompt's instruction."""

    def write(self, prompt: str) -> str | None:
        """One sentence that says what the prompt asks for, None where none was written."""
        ...


class ModelWriter:
    """An LLM that writes instructions; each prompt's is kept in memory, never on disk.

    Args:
        model: The LLM.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.error: AnswerError | None = None
        self._kept: dict[str, str | None] = {}

    def write(self, prompt: str) -> str | None:
        """One sentence, None where the LLM failed (``error`` then says why) or wrote no sentence."""
        if prompt not in self._kept:
            asked = f"Say in one sentence which kind of task this is, without solving it:\n\n{prompt[:READ_CHARS]}"
            try:
                self._kept[prompt] = first_sentence(self.model.say(asked, system=SYSTEM, max_tokens=60))
            except AnswerError as problem:
                self.error = problem
                return None
            if len(self._kept) > KEPT:
                self._kept.pop(next(iter(self._kept)))
        return self._kept[prompt]


class InstructedEncoder:
    """An encoder whose features carry the instructions that a writer wrote; rows without one are NaN.

    Args:
        encoder: Encodes prompts and instructions alike.
        writer: Writes the instructions.
    """

    def __init__(self, encoder: Encoder, writer: Writer) -> None:
        self._encoder, self._writer = encoder, writer

    def encode(self, prompts: Sequence[str]) -> Features:
        """Encode prompts, one row each, in their order; the output ``instruction`` is the written one's vector."""
        features = self._encoder.encode(prompts)
        written = [self._writer.write(prompt) for prompt in prompts]
        at = [row for row, text in enumerate(written) if text]
        vectors = np.full_like(features.vector, np.nan)
        if at:
            vectors[at] = self._encoder.encode([text for text in written if text]).vector
        return replace(features, heads={**features.heads, INSTRUCTION: vectors})


def rewritten(cards: Cards, model: LanguageModel) -> dict[str, ExpertCards]:
    """Cards in an LLM's own words, labelled with its name; experts for whom it wrote nothing keep theirs.

    The LLM reads the cards made from key phrases, never a prompt.

    Raises:
        AnswerError: The LLM did not answer.
    """
    found: dict[str, ExpertCards] = {}
    for name, entry in cards.items():
        listed = "\n".join(f"- {text}" for text in entry.sentences)
        asked = (
            f"An expert answers these tasks better than others:\n{listed}\n\n"
            "Say in one short sentence per line what the expert is good at, in general words."
        )
        told = model.say(asked, system="You write short lists of sentences.", max_tokens=300)
        lines = [line for line in map(first_sentence, told.splitlines()) if line]
        found[name] = ExpertCards(model.name, tuple(lines[:MOST_CARDS])) if lines else entry
    return found


def first_sentence(text: str) -> str | None:
    """The first sentence of an answer without list marks and quotes, None where there are no three words.

    >>> first_sentence('- "Solve an algebra problem." It is easy.')
    'Solve an algebra problem.'
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^(?:[-*•]|\d+[.)])\s*", "", line).strip(" \"'*")
    sentence = re.split(r"(?<=[.!?])[\"']?\s", line, maxsplit=1)[0].strip(" \"'*")[:MOST_CHARS]
    return sentence if len(re.findall(r"\w+", sentence)) >= 3 else None
