"""Instruction cards: what each expert is good at, in sentences that people can read and change.

The file is a JSON object: ``{"experts": {"NAME": {"by": "from key phrases", "cards": ["One sentence.", ...]}}}``.
``by`` says who wrote the cards: key phrases of the tasks an expert wins, a model by its name, or a person.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from routing.errors import CatalogError

CARDS_FILE: Final = "cards.json"
KEY_PHRASES: Final = "from key phrases"
MOST_CARDS: Final = 12
MOST_CHARS: Final = 300

Cards = Mapping[str, "ExpertCards"]


@dataclass(frozen=True, slots=True)
class ExpertCards:
    """The cards of one expert.

    Args:
        by: Who wrote them.
        sentences: What the expert is good at, one sentence a card.
    """

    by: str
    sentences: tuple[str, ...]


def load_cards(path: Path) -> dict[str, ExpertCards]:
    """Read and check a file of cards.

    Raises:
        CatalogError: The file is missing or damaged, or a card is empty or too long; the message names the expert.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        found = {str(name): (entry["by"], entry["cards"]) for name, entry in raw["experts"].items()}
    except OSError as problem:
        raise CatalogError(f"There are no cards at {path} ({problem.strerror}). Restore it with git.") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise CatalogError(
            f'{path.name} must be an object {{"experts": {{NAME: {{"by": ..., "cards": [...]}}}}}} ({problem!r}). '
            "Mend it, or restore it with git."
        ) from problem
    return {name: _checked(name, by, sentences, path.name) for name, (by, sentences) in found.items()}


def save_cards(cards: Cards, path: Path) -> None:
    """Write cards so that an earlier file stays until the new one is complete.

    Raises:
        CatalogError: A card is empty or too long, or the file cannot be written.
    """
    for name, entry in cards.items():
        _checked(name, entry.by, list(entry.sentences), path.name)
    raw = {"experts": {name: {"by": e.by, "cards": list(e.sentences)} for name, e in cards.items()}}
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as problem:
        raise CatalogError(f"{path} cannot be written ({problem.strerror}). Choose another place.") from problem


def _checked(name: str, by: object, sentences: object, file: str) -> ExpertCards:
    if not isinstance(by, str) or not by.strip():
        raise CatalogError(f"{file}: the cards of {name!r} do not say who wrote them; give 'by' a text.")
    if not isinstance(sentences, list) or not all(isinstance(text, str) for text in sentences):
        raise CatalogError(f'{file}: the cards of {name!r} are not a list of sentences; write them as ["..."].')
    if len(sentences) > MOST_CARDS:
        raise CatalogError(f"{file}: {name!r} has {len(sentences)} cards; at most {MOST_CARDS} are read: remove some.")
    for text in sentences:
        if not text.strip():
            raise CatalogError(f"{file}: a card of {name!r} is empty; write a sentence or remove it.")
        if len(text) > MOST_CHARS:
            raise CatalogError(
                f"{file}: a card of {name!r} has {len(text)} characters; at most {MOST_CHARS} are read: shorten it."
            )
    return ExpertCards(by.strip(), tuple(text.strip() for text in sentences))
