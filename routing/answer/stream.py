"""Between LiteLLM and us: the pieces of an answer as they arrive, and what the provider said about it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from routing.answer.client import Stream


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
        served, usage = _get(chunk, "model"), _get(chunk, "usage")
        if isinstance(served, str) and served:
            self._seen.served = served
        tokens_in, tokens_out = _get(usage, "prompt_tokens"), _get(usage, "completion_tokens")
        if isinstance(tokens_in, int) and isinstance(tokens_out, int):
            self._seen.input_tokens, self._seen.output_tokens = tokens_in, tokens_out
        return chunk

    def __getattr__(self, name: str) -> object:
        return getattr(self._chunks, name)


def pieces(response: Iterable[object], seen: Stream) -> Iterator[str]:
    """The text of LiteLLM's chunks, ``""`` for those without; ``seen`` then says how the answer finished.

    Args:
        response: LiteLLM's chunks.
        seen: Where to note the finish.
    """
    with suppress(_Over):
        for chunk in response:
            choices = _get(chunk, "choices")
            delta = _get(choices[0], "delta") if isinstance(choices, list) and choices else None
            seen.is_reasoning = bool(_get(delta, "reasoning_content"))
            # JSON may escape half of a character; such a half can be neither shown nor kept.
            yield _text(_get(delta, "content")).encode("utf-8", "replace").decode("utf-8")
    # LiteLLM says "stop" even if the provider never did; only what was received counts.
    finish = getattr(response, "received_finish_reason", None)
    seen.finish_reason = finish if isinstance(finish, str) else None


def _text(content: object) -> str:
    """The text of a message: words, or parts of which some are text."""
    parts = content if isinstance(content, list) else [content]
    texts = (part if isinstance(part, str) else _get(part, "text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def _get(thing: object, name: str) -> object:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)
