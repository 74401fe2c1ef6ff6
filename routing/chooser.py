"""An LLM asked to choose the expert from descriptions: a baseline of Hari & Thomson 2023 (arXiv:2308.11601).

Any expert can be the judge, called through LiteLLM. What it chose is kept on disk under a hash: never a prompt.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from routing.errors import DataError
from routing.instructions import LanguageModel

READ_CHARS: Final = 600  # of a prompt; a small judge loses the list of experts behind a long one
DESCRIBED_CHARS: Final = 110
MAX_TOKENS: Final = 16
SYSTEM: Final = "You choose which expert should answer a question. You write the expert's number and nothing else."


class Chooser:
    """Chooses an expert per prompt by asking an LLM once, and remembers what it said.

    Args:
        model: The judge.
        experts: One line about every expert, by name. Every prompt lists them in another order, drawn from a hash:
            small judges like whatever stands first, which would otherwise look like a choice of that expert.
        kept: File of earlier choices, one JSON object a line; None keeps nothing.

    Raises:
        DataError: The file is damaged.
    """

    def __init__(self, model: LanguageModel, experts: Mapping[str, str], kept: Path | None = None) -> None:
        self._model, self._experts, self._file = model, dict(experts), kept
        self._kept = _read(kept) if kept is not None and kept.is_file() else {}
        self.calls = 0

    def choose(self, prompt: str) -> str | None:
        """The expert that the judge names, None where it names none of them.

        Raises:
            AnswerError: The judge did not answer; earlier choices are kept.
        """
        listed = {name: self._experts[name] for name in _order(prompt, self._experts)}
        asked = choosing_prompt(prompt, listed)
        key = sha256(json.dumps([self._model.name, SYSTEM, asked]).encode()).hexdigest()
        if key not in self._kept:
            self.calls += 1
            told = self._model.say(asked, system=SYSTEM, max_tokens=MAX_TOKENS)
            self._kept[key] = read_choice(told, list(listed))
            self._keep(key)
        found = self._kept[key]
        return found if found in self._experts else None

    def _keep(self, key: str) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "choice": self._kept[key]}) + "\n")


def _order(prompt: str, names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: sha256(f"{name}\t{prompt}".encode()).digest())


def choosing_prompt(prompt: str, experts: Mapping[str, str]) -> str:
    """The list of experts, the start of the prompt, and what to write."""
    listed = "\n".join(
        f"{number}. {name}: {text[:DESCRIBED_CHARS]}" for number, (name, text) in enumerate(experts.items(), start=1)
    )
    return (
        f"Experts:\n{listed}\n\nQuestion (do not answer it):\n{prompt[:READ_CHARS]}\n\n"
        f"Which expert should answer the question? Write one number from 1 to {len(experts)}."
    )


def read_choice(text: str, names: Sequence[str]) -> str | None:
    """The one expert that an answer names, by name or by number; None where it names none or several.

    >>> read_choice("Expert 2.", ["alpha", "beta"]), read_choice("1 or 2", ["alpha", "beta"])
    ('beta', None)
    >>> read_choice("beta-large would do", ["beta", "beta-large"])
    'beta-large'
    """
    rest, named = text.lower(), set()
    for name in sorted(names, key=len, reverse=True):
        if re.search(rf"(?<![\w.-]){re.escape(name.lower())}(?![\w-])", rest):
            named.add(name)
            rest = rest.replace(name.lower(), " ")
    numbers = {int(found) for found in re.findall(r"(?<![\w.-])\d{1,3}(?![\w-]|\.\d)", rest)}
    if not named and numbers and all(1 <= number <= len(names) for number in numbers):
        named = {names[number - 1] for number in numbers}
    return named.pop() if len(named) == 1 else None


def kept_choices(judge: str) -> Path:
    """Where a judge's choices are kept: in the user's cache folder, outside the project."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return cache / "thalamus" / "chooser" / f"{re.sub(r'[^a-z0-9.-]+', '-', judge.lower())}.jsonl"


def _read(path: Path) -> dict[str, str | None]:
    """Choices of a file; a last line that was cut short, as when a run was stopped, is dropped from it."""
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    found: dict[str, str | None] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            entry = json.loads(line)
            found[str(entry["key"])] = entry["choice"]
        except (ValueError, KeyError, TypeError) as problem:
            raise DataError(
                f"{path}, line {number} is not a choice ({problem!r}). Remove the line or the file."
            ) from None
    return found
