"""What a provider states of the tokens of an answer and their cost: every number is checked here, where it enters."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_TOKENS: Final = 100_000_000  # ten times the longest context there is
MOST_USD: Final = 10_000.0  # no answer of that length costs more at the dearest price of any list


@dataclass(frozen=True, slots=True)
class Usage:
    """Stated tokens and cost, None where unstated or impossible.

    Args:
        input_tokens: All that went in; ``cached_tokens`` and ``written_tokens`` are parts of it.
        output_tokens: All that is billed as output; ``reasoning_tokens`` are a part of it.
        cached_tokens: Input that was read from the provider's cache.
        written_tokens: Input that was written to it.
        reasoning_tokens: Output that nobody is shown.
        cost_usd: What the provider says the answer cost.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    written_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None

    def after(self, earlier: "Usage | None") -> "Usage":
        """What both say together: providers state some counts at the beginning and others at the end, or zeros."""
        if earlier is None:
            return self
        tokens_in = self.input_tokens or earlier.input_tokens
        cached = min(self.cached_tokens or earlier.cached_tokens, tokens_in or 0)
        return Usage(
            input_tokens=tokens_in,
            output_tokens=self.output_tokens or earlier.output_tokens,
            cached_tokens=cached,
            written_tokens=min(self.written_tokens or earlier.written_tokens, (tokens_in or 0) - cached),
            reasoning_tokens=self.reasoning_tokens or earlier.reasoning_tokens,
            cost_usd=earlier.cost_usd if self.cost_usd is None else self.cost_usd,
        )

    @property
    def parts(self) -> str:
        """What of the tokens was cached or reasoning, in words; empty where nothing was."""
        told = (
            (self.cached_tokens, "in from the cache"),
            (self.written_tokens, "in written to the cache"),
            (self.reasoning_tokens, "out for reasoning"),
        )
        return ", ".join(f"{count:,} {what}" for count, what in told if count)


def usage_of(stated: object) -> Usage | None:
    """A usage block, JSON or an object, in the spellings of OpenAI, Anthropic and DeepSeek; None if it says nothing.

    Reasoning that a provider counts beside the output is added to it: it is billed as output either way.
    """
    if stated is None:
        return None
    tokens_in = _first(stated, ("prompt_tokens", "input_tokens"))
    tokens_out = _first(stated, ("completion_tokens", "output_tokens"))
    total = count_of(value(stated, "total_tokens"))
    details_in = _either(stated, ("prompt_tokens_details", "input_tokens_details"))
    details_out = _either(stated, ("completion_tokens_details", "output_tokens_details"))
    if tokens_out is None and tokens_in is not None and total is not None and total >= tokens_in:
        tokens_out = total - tokens_in
    reasoning = count_of(value(details_out, "reasoning_tokens")) or 0
    if tokens_out is not None and tokens_in is not None and reasoning:
        is_beside = reasoning > tokens_out or total == tokens_in + tokens_out + reasoning
        tokens_out += reasoning if is_beside else 0
    cached = _first(details_in, ("cached_tokens",)) or _first(
        stated, ("cache_read_input_tokens", "prompt_cache_hit_tokens")
    )
    written = _first(details_in, ("cache_creation_tokens", "cache_write_tokens")) or _first(
        stated, ("cache_creation_input_tokens",)
    )
    most = tokens_in or 0  # a part is never more than the whole
    cached = min(cached or 0, most)
    found = Usage(tokens_in, tokens_out, cached, min(written or 0, most - cached), reasoning, _cost(stated))
    return None if found == Usage() else found


def count_of(stated: object) -> int | None:
    """A count of tokens, where what is stated can only mean one.

    >>> count_of(11), count_of(11.0), count_of("11"), count_of(10**30), count_of(-1), count_of(True), count_of("many")
    (11, 11, 11, None, None, None, None)
    """
    number = _number(stated)
    return int(number) if number is not None and number <= MOST_TOKENS and number == int(number) else None


def value(thing: object, name: str) -> object:
    """A field of JSON or of an object; None where there is none."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _number(stated: object) -> float | None:
    """A finite number from 0."""
    if isinstance(stated, bool) or not isinstance(stated, int | float | str):
        return None
    try:
        number = float(stated[:40] if isinstance(stated, str) else stated)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _cost(stated: object) -> float | None:
    """Dollars that the provider states, alone or as the total of a breakdown.

    Where somebody's own key at another provider was used, OpenRouter's figure is its fee alone, and the rest beside it.
    """
    cost = value(stated, "cost")
    number = _number(value(cost, "total_cost") if isinstance(cost, dict) else cost)
    if number is not None and value(stated, "is_byok") is True:
        number += _number(value(value(stated, "cost_details"), "upstream_inference_cost")) or 0.0
    return number if number is not None and number <= MOST_USD else None


def _first(thing: object, names: Iterable[str]) -> int | None:
    return next((found for name in names if (found := count_of(value(thing, name))) is not None), None)


def _either(thing: object, names: Iterable[str]) -> object:
    return next((found for name in names if (found := value(thing, name)) is not None), None)
