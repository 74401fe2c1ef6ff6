"""The records that cross module boundaries: frozen, typed, with units in their names.

Unknown is a value everywhere: ``None`` in a record, NaN in an array. It is never zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from typing import Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from routing.errors import AnswerError

Floats = NDArray[np.float64]
# Where the cost of an answer came from, if an expert was called at another address than its provider's.
OWN_ADDRESS: Final = "unknown: your own address has no price here"
FEWEST_ANSWERS: Final = 5  # before what was measured here takes the place of a prediction
STATED: Final = "stated by the provider"
STATED_THERE: Final = "stated by the provider at your own address"


@dataclass(frozen=True, slots=True)
class Expert:
    """An LLM that a prompt may go to, with the facts that are known about it.

    ``name`` identifies it, ``title`` is for people. ``litellm`` is the provider/model name that LiteLLM
    calls, None where no address is known. Sizes are in billions of parameters, prices in US dollars per
    million tokens; that of cached input is None where nobody stated one here. ``security_tier``: 0 runs on
    this machine, 1 open weights that you can host, 2 a provider with no-training terms, 3 any provider.
    """

    name: str
    title: str
    provider: str
    litellm: str | None
    params_b: float | None
    active_b: float | None
    released: date | None
    open_weights: bool | None
    licence: str
    context_tokens: int | None
    price_in_usd_per_mtok: float | None
    price_out_usd_per_mtok: float | None
    price_source: str
    price_date: date | None
    security_tier: int
    price_cached_in_usd_per_mtok: float | None = None

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self.security_tier == 0


@dataclass(frozen=True, slots=True)
class Features:
    """What the encoder makes of prompts: one row a prompt.

    Args:
        vector: Unit-length sentence vectors, shape (n_prompts, width).
        heads: The graph's outputs by name; those of heads have shape (n_prompts, n_experts), see ``graph_experts``.
        graph_experts: Experts in the order of the heads' columns.
        familiarity: Cosine in [-1, 1] to the nearest training prototypes, shape (n_prompts,); low means that
            the prompt is unlike what the router was trained on.
        input_tokens: Tokens of the whole prompt as a current model counts them, shape (n_prompts,).
        is_truncated: Whether the encoder, which counts word pieces of its own, read only a part, shape (n_prompts,).
        broken_share: Share in [0, 1] of the word pieces read that say little, shape (n_prompts,): those of words
            outside the encoder's vocabulary. None where it was not looked at.
        pieces: Word pieces that the encoder read, one sequence a prompt; empty where no method needs them.
    """

    vector: NDArray[np.float32]
    heads: Mapping[str, NDArray[np.float32]]
    graph_experts: tuple[str, ...]
    familiarity: NDArray[np.float32]
    input_tokens: NDArray[np.int64]
    is_truncated: NDArray[np.bool_]
    pieces: Sequence[Sequence[int]] = ()
    broken_share: Floats | None = None


class Encoder(Protocol):
    """Whatever turns prompts into features."""

    def encode(self, prompts: Sequence[str]) -> Features:
        """Encode prompts, one row each, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected of every expert: arrays of shape (n_prompts, n_experts), NaN where unknown.

    ``score`` is in [0, 1] with a 90 % interval [``score_low``, ``score_high``]; ``output_tokens`` is the
    predicted length of the answer; ``reading_ease`` its Flesch reading ease (about 0 to 100, higher reads
    more easily); ``latency_s`` the seconds until the answer is complete.
    """

    experts: tuple[str, ...]
    score: Floats
    score_low: Floats
    score_high: Floats
    output_tokens: Floats
    reading_ease: Floats
    latency_s: Floats

    def of(self, experts: Sequence[str]) -> Self:
        """The same predictions for these experts in this order; an expert not predicted is NaN throughout."""
        index = _columns(self.experts, tuple(experts))

        def take(values: Floats) -> Floats:
            taken = values[:, index].copy()
            taken[:, index < 0] = np.nan
            return taken

        arrays = {f.name: take(getattr(self, f.name)) for f in fields(self) if f.name != "experts"}
        return type(self)(experts=tuple(experts), **arrays)


@lru_cache(maxsize=64)
def _columns(have: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.int64]:
    """Where each wanted name stands among those at hand, -1 where it does not."""
    column = {name: i for i, name in enumerate(have)}
    return np.array([column.get(name, -1) for name in wanted], dtype=np.int64)


class Predictor(Protocol):
    """A method that predicts from features; one file each under ``predictors/``."""

    def predict(self, features: Features) -> Prediction:
        """Predict for every expert the method knows, one row a prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an expert answered here; seconds and tokens per second, None where never measured.

    Args:
        expert: Its name.
        n: Complete answers measured.
        first_token_s: Median time to the first token.
        first_token_p95_s: Its 95th percentile.
        tokens_per_s: Median tokens per second after the first token.
        latency_s: Median time to the complete answer.
        latency_p95_s: Its 95th percentile.
        tokens_per_s_p95: Tokens per second that 95 % of the answers reached.
        n_long: Answers long enough to tell how many tokens come in a second.
        longest_tokens: Length of the longest answer measured, None where no length is known.
    """

    expert: str
    n: int
    first_token_s: float | None
    first_token_p95_s: float | None
    tokens_per_s: float | None
    latency_s: float
    latency_p95_s: float
    tokens_per_s_p95: float | None = None
    n_long: int = 0
    longest_tokens: int | None = None

    def latency_of(self, output_tokens: float) -> float | None:
        """Expected seconds of an answer of that length; None where what was measured does not tell.

        Few answers tell nothing, and short ones nothing about long ones: the beginning of an answer is no measure of
        how fast the rest comes.
        """
        if self.n < FEWEST_ANSWERS:
            return None
        if not math.isfinite(output_tokens):
            return self.latency_s
        if self.first_token_s is not None and self.tokens_per_s is not None and self.n_long >= FEWEST_ANSWERS:
            return self.first_token_s + output_tokens / self.tokens_per_s
        is_like_them = self.longest_tokens is not None and output_tokens <= self.longest_tokens
        return self.latency_s if is_like_them else None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person wants: weights (lambdas), limits in real units, and the experts in question.

    ``pool`` None means every expert of the catalogue. Weights are at least 0; absent means 0.
    A limit bounds its constraint from above, except readability, which it bounds from below.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    pool: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expert really answered, and what is known about it; None where it is not known.

    Seconds count from the moment the call was sent, the start of a local expert not included.
    ``tokens_source`` and ``cost_source`` say where those figures come from. ``served`` is the name under which
    the provider says it answered. ``is_complete`` is False when the answer was stopped, cut at the length
    limit or broke off; ``text`` then holds what arrived, and ``error`` the reason if there is one. ``note`` says in a
    few words what else a person should know of how it came about: without which parameter it was asked, a refusal.
    """

    expert: str
    text: str
    time_to_first_token_s: float | None
    latency_s: float
    input_tokens: int | None
    output_tokens: int | None
    tokens_source: str
    cost_usd: float | None
    cost_source: str
    served: str | None
    finish_reason: str | None
    is_complete: bool
    error: AnswerError | None
    retries: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """Something that happened to one of several answers being written; ``column`` says to which.

    ``starting``: ``text`` says what is being prepared, ``share`` in [0, 1] how far it is. ``text``: a further
    piece of the answer. ``retrying``: ``text`` says why. ``finished``: the last event of this column, with its answer.
    """

    column: str
    kind: Literal["starting", "text", "retrying", "finished"]
    text: str = ""
    share: float = 0.0
    answer: Answer | None = None
