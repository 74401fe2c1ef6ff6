"""A comparison before it is asked: who gets what and how, who takes over, and what it costs at most."""

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from routing.answer.client import Message, Request, Settings
from routing.decision import Decision
from routing.prices import price_per_token
from routing.router import Routed
from routing.schema import Expert
from routing.store.records import NewRun
from routing.token_count import count_tokens

MOST_FALLBACKS: Final = 3
# Tokenizers that fall back to bytes make at most one token of a byte, and digits or rare scripts come near it; no
# template of the experts here has more than 64.
BYTES_PER_TOKEN_LEAST: Final = 1
TEMPLATE_TOKENS: Final = 64


@dataclass(frozen=True, slots=True)
class Override:
    """Where one expert is asked otherwise than the rest; None keeps the shared setting."""

    system: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    is_json: bool | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is asked what, and how.

    Args:
        prompt: Without its flags.
        experts: In the order of the columns.
        settings: Shared by all.
        overrides: By expert.
        repeats: How often each is asked.
        fallbacks: Who takes over, in this order, where an expert fails before it wrote anything.
        histories: The turns before, by column.
    """

    prompt: str
    experts: tuple[Expert, ...]
    settings: Settings
    overrides: Mapping[str, Override] = field(default_factory=dict)
    repeats: int = 1
    fallbacks: tuple[Expert, ...] = ()
    histories: Mapping[str, tuple[Message, ...]] = field(default_factory=dict)

    def settings_of(self, expert: str) -> Settings:
        """How one expert is asked."""
        own = {n: v for n, v in asdict(self.overrides.get(expert, Override())).items() if v is not None}
        return replace(self.settings, **own)

    def requests(self) -> tuple[Request, ...]:
        """One request a column; repeats of an expert stand side by side."""
        return tuple(
            Request(e, self.prompt, self.settings_of(e.name), self.histories.get(column, ()), column)
            for e in self.experts
            for column in (column_of(e.name, i) for i in range(self.repeats))
        )

    def taking_over(self) -> dict[str, Sequence[Expert]]:
        """Fallbacks by expert, as a comparison takes them."""
        return {e.name: self.fallbacks for e in self.experts} if self.fallbacks else {}

    def as_json(self) -> dict[str, Any]:
        """How it is asked, for the store; keys and addresses are no part of it."""
        return {
            **asdict(self.settings),
            "overrides": {name: asdict(own) for name, own in self.overrides.items() if own != Override()},
            "fallbacks": [e.name for e in self.fallbacks],
        }


def column_of(expert: str, repeat: int) -> str:
    """Name of a column.

    >>> column_of("gpt-4o-mini", 1)
    'gpt-4o-mini #2'
    """
    return f"{expert} #{repeat + 1}"


def expert_of(column: str) -> str:
    """The expert of a column or of a line of the ledger."""
    return column.rpartition(" #")[0] or column


def blind_order(columns: Sequence[str], run_id: str) -> list[str]:
    """The order of columns while names are hidden; of one run always the same, and unlike that of any other."""
    shuffled = list(columns)
    random.Random(run_id).shuffle(shuffled)  # noqa: S311 - ids of runs are random themselves
    return shuffled


def settings_from(kept: Mapping[str, Any]) -> tuple[Settings, dict[str, Override]]:
    """Settings and overrides of a stored run."""
    shared = {n: kept[n] for n in Settings.__dataclass_fields__ if n in kept}
    return Settings(**shared), {name: Override(**own) for name, own in kept.get("overrides", {}).items()}


def fallbacks(decision: Decision, asked: Collection[str], is_usable: Callable[[str], bool]) -> tuple[str, ...]:
    """The next on the front that can be called and are not asked anyway, best first; all keep every limit."""
    front = (n for n in decision.order if decision.on_front[decision.options.index(n)])
    return tuple([n for n in front if n not in asked and is_usable(n)][:MOST_FALLBACKS])


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking costs, by column; NaN where a price is unknown.

    Args:
        expected_usd: With the predicted length of the answer.
        most_usd: With the longest answer allowed, and the dearest of an expert and its fallbacks.
        unknown: Experts that can be called at a price that nobody here knows.
        callable: Experts that can be called at all.
    """

    expected_usd: Mapping[str, float]
    most_usd: Mapping[str, float]
    unknown: tuple[str, ...]
    callable: tuple[str, ...]

    @property
    def expected(self) -> float:
        """Sum of what is known; NaN where nothing is."""
        return _known_sum(self.expected_usd.values())

    @property
    def most(self) -> float:
        """Sum of what is known; NaN where nothing is."""
        return _known_sum(self.most_usd.values())

    def to_reserve(self, column: str | None = None) -> dict[str, float]:
        """By column what the budget must hold; an unknown price, which was confirmed, reserves nothing."""
        chosen = self.most_usd if column is None else {column: self.most_usd[column]}
        return {name: 0.0 if math.isnan(most) else most for name, most in chosen.items()}


def estimate(plan: Plan, routed: Routed, usable: Collection[str], unpriced: Collection[str]) -> Estimate:
    """What a plan costs, expected and at most.

    Args:
        plan: Who is asked what.
        routed: Predicted lengths, and the counted length of the prompt.
        usable: Experts that can be called.
        unpriced: Experts behind an own address, whose price nobody here knows.
    """
    expected: dict[str, float] = {}
    most: dict[str, float] = {}
    for request in plan.requests():
        chain = [e for e in (request.expert, *plan.fallbacks) if e.name in usable]
        low, high = _tokens_in(request, routed.reading.input_tokens)
        longest = request.settings.max_tokens

        def cost(e: Expert, tokens_in: float, tokens_out: float) -> float:
            price_in, price_out = (math.nan, math.nan) if e.name in unpriced else price_per_token(e, tokens_in)
            return tokens_in * price_in + tokens_out * price_out

        most[request.key] = _largest([cost(e, high, longest) for e in chain])
        likely = [cost(e, low, _length(routed, e.name, longest)) for e in chain[:1]]
        expected[request.key] = likely[0] if likely else 0.0
    asked = [*plan.experts, *plan.fallbacks]
    unknown = [
        e.name for e in asked if e.name in usable and (e.name in unpriced or math.isnan(sum(price_per_token(e, 0))))
    ]
    return Estimate(expected, most, tuple(unknown), tuple(e.name for e in plan.experts if e.name in usable))


def _tokens_in(request: Request, counted: int) -> tuple[float, float]:
    """About how many tokens go in, and how many at most."""
    texts = [message["content"] for message in request.messages()]
    before = sum(map(count_tokens, texts)) - count_tokens(request.prompt)
    at_most = max(counted, sum(len(text.encode()) for text in texts) / BYTES_PER_TOKEN_LEAST)
    return counted + before, at_most + TEMPLATE_TOKENS


def _length(routed: Routed, expert: str, longest: int) -> float:
    options = routed.decision.options
    found = float(options.values["verbosity"][options.index(expert)]) if expert in options.experts else math.nan
    return float(longest) if math.isnan(found) else min(found, longest)


def _largest(values: Sequence[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return max(known) if known else (math.nan if values else 0.0)


def _known_sum(values: Collection[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return sum(known) if known or not values else math.nan


def predicted(routed: Routed, experts: Collection[str]) -> dict[str, dict[str, float | None]]:
    """By expert what was predicted, under the names of the measured facts; None where unknown."""
    options = routed.decision.options
    found: dict[str, dict[str, float | None]] = {}
    for name in experts:
        if name not in options.experts:
            continue
        i = options.index(name)
        told = {
            "score": options.score[i], "score_low": options.score_low[i], "score_high": options.score_high[i],
            "cost_usd": options.values["cost"][i], "latency_s": options.values["latency"][i],
            "output_tokens": options.values["verbosity"][i], "reading_ease": options.values["readability"][i],
        }  # fmt: skip
        found[name] = {fact: float(value) if math.isfinite(value) else None for fact, value in told.items()}
    return found


def new_run(
    plan: Plan,
    routed: Routed,
    *,
    sha256: str,
    domain: str = "",
    conversation: str = "",
    turn: int = 0,
    is_blind: bool = False,
    shifts: Mapping[str, float] | None = None,
) -> NewRun:
    """The record of a plan, as it is kept before its experts are asked; ``shifts`` are in its predicted scores."""
    preferences = routed.decision.preferences
    pool = None if preferences.pool is None else list(preferences.pool)
    return NewRun(
        prompt=plan.prompt, domain=domain, conversation=conversation, turn=turn, router=routed.router,
        router_sha256=sha256, pick=routed.decision.pick,
        preferences={"weights": dict(preferences.weights), "limits": dict(preferences.limits), "pool": pool,
                     "shifts": dict(shifts or {})},
        settings=plan.as_json(), predicted=predicted(routed, [e.name for e in (*plan.experts, *plan.fallbacks)]),
        asked=tuple(e.name for e in plan.experts), repeats=plan.repeats, is_blind=is_blind,
    )  # fmt: skip
