"""Text as it came, made fit to be read, shown and sent: no lone surrogates, no control characters."""

from typing import Final

from routing.errors import PromptError

MAX_CHARACTERS: Final = 1_000_000
EMPTY: Final = "The prompt is empty. Type a question or a task, or choose an example."
_KEPT: Final = "\n\t\u200d"  # line ends, tabs, and what joins emoji
_LAST_CONTROL: Final = 0x9F


def whole(text: str) -> str:
    r"""The text with a question mark for every lone surrogate: a byte or half a character that no encoding has.

    >>> whole("caf\udce9")
    'caf?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def clean_prompt(prompt: str) -> str:
    """A prompt as it is read, shown and sent; control characters become spaces.

    Raises:
        PromptError: It has more than a million characters.
    """
    if len(prompt) > MAX_CHARACTERS:
        raise PromptError(
            f"The prompt has {len(prompt):,} characters; at most {MAX_CHARACTERS:,} are read. Shorten it."
        )
    text = whole(prompt).replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c in _KEPT or ord(c) > _LAST_CONTROL else " " for c in text)
