"""Between LiteLLM and us: the pieces of an answer as they arrive, and what the provider said about it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from routing.answer.client import Stream, clean
from routing.answer.usage import value

_OPEN, _CLOSE = "<think>", "</think>"


class _Over(BaseException):
    """The provider has said everything. LiteLLM lets this pass, and keeps out of the sums it would do at the end."""


class Tap:
    """Looks at the provider's own chunks as they pass: LiteLLM replaces the served name and invents usage.

    Args:
        chunks: The provider's own.
        seen: Where to note what the provider said.
    """

    def __init__(self, chunks: Iterator[object], seen: Stream) -> None:
        self._chunks, self._seen = chunks, seen

    def __iter__(self) -> "Tap":
        return self

    def __next__(self) -> object:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            # LiteLLM would put the answer together, count and price it once more: as much work as all the rest.
            raise _Over from None
        if not self._seen.is_normalised:
            self._seen.note(chunk)
        return chunk

    def __getattr__(self, name: str) -> object:
        return getattr(self._chunks, name)


def pieces(response: Iterable[object], seen: Stream) -> Iterator[str]:
    """The text of LiteLLM's chunks, ``""`` for those without; ``seen`` then says how the answer finished.

    Args:
        response: LiteLLM's chunks.
        seen: Where to note the finish.

    Raises:
        Exception: What went wrong on the way, as ``seen`` noted it.
    """
    thinking = _Thinking()
    with suppress(_Over):
        for chunk in _whole(response, seen):
            choices = value(chunk, "choices")
            delta = value(choices[0], "delta") if isinstance(choices, list) and choices else None
            if not seen.is_normalised:
                seen.note_delta(delta)
            text = thinking.took(clean(_text(value(delta, "content"))))
            seen.is_reasoning = thinking.is_open or bool(value(delta, "reasoning_content"))
            yield text
    if rest := thinking.rest():
        yield rest
    if not seen.is_normalised:
        # LiteLLM says "stop" even if the provider never did; only what was received counts.
        kept = (getattr(response, f"{which}_finish_reason", None) for which in ("received", "intermittent"))
        seen.finish_reason = next((finish for finish in kept if isinstance(finish, str)), None)
    if seen.failure is not None:
        raise seen.failure


def _whole(response: Iterable[object], seen: Stream) -> Iterator[object]:
    """LiteLLM's chunks; where it breaks on an answer that was broken off before it, the reason for that counts."""
    try:
        yield from response
    except Exception as problem:
        if seen.failure is None:
            raise
        raise seen.failure from problem


class _Thinking:
    """Keeps reasoning that a model writes between ``<think>`` and ``</think>`` before its answer out of the answer."""

    def __init__(self) -> None:
        self._waiting = ""
        self._is_answer = self._is_after = False
        self.is_open = False

    def took(self, text: str) -> str:
        """What of the text is answer."""
        if self._is_answer or not text:
            return text
        self._waiting += text
        if self.is_open:
            _, end, after = self._waiting.partition(_CLOSE)
            self._waiting = after if end else self._waiting[-len(_CLOSE) :]
            self.is_open, self._is_after = not end, bool(end)
        start = self._waiting.lstrip()
        if self.is_open or not start or (not self._is_after and _OPEN.startswith(start)):
            if not self.is_open and start == _OPEN:
                self.is_open, self._waiting = True, ""
            return ""
        if not self._is_after and start.startswith(_OPEN):
            self.is_open, self._waiting = True, ""
            return self.took(start.removeprefix(_OPEN))
        text, self._waiting, self._is_answer = start if self._is_after else self._waiting, "", True
        return text

    def rest(self) -> str:
        """What waited at the end for more."""
        return "" if self.is_open or self._is_answer or self._is_after else self._waiting


def _text(content: object) -> str:
    """The text of a message: words, or parts of which some are text."""
    parts = content if isinstance(content, list) else [content]
    texts = (part if isinstance(part, str) else value(part, "text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))
