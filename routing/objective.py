"""What every expert would cost on every axis, and the objective that weighs it: score - sum(lambda * penalty)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from routing.catalog import Catalog, unknown_name
from routing.errors import PreferenceError
from routing.schema import Floats, Prediction, Preferences

MAX_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing an expert can have too much of.

    ``relaxed`` and ``strict`` label the two ends of its weight. ``is_floor`` marks the one constraint that a
    limit bounds from below (reading ease: more is better).
    """

    name: str
    title: str
    unit: str
    relaxed: str
    strict: str
    is_floor: bool = False


CONSTRAINTS: Mapping[str, Constraint] = MappingProxyType(
    {
        c.name: c
        for c in (
            Constraint("cost", "Cost", "US dollars per answer", "Money is no object", "Every cent counts"),
            Constraint("latency", "Latency", "seconds per answer", "Can wait", "At once"),
            Constraint("size", "Size", "billion parameters", "Any size", "As small as possible"),
            Constraint("recency", "Recency", "days since release", "Any age", "Newest only"),
            Constraint("security", "Security", "tier, 0 (this machine) to 3", "Any provider", "Keep it here"),
            Constraint("verbosity", "Verbosity", "output tokens", "As long as it takes", "Keep it short"),
            Constraint("readability", "Readability", "Flesch reading ease", "Any style", "Easy to read", is_floor=True),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The experts of one decision: predictions and constraints as arrays of shape (n_experts,), NaN unknown.

    ``values`` are in the constraint's own unit; ``penalties`` are the values scaled to about [0, 1], higher
    is worse. ``is_length_assumed`` marks experts none of whose answers was measured: their cost assumes the mean
    length predicted for the others. ``overflow`` says by how many tokens prompt and answer exceed the context (0 where
    they fit).
    ``name_rank`` breaks exact ties, so that the order of the catalogue never matters.
    """

    experts: tuple[str, ...]
    score: Floats
    score_low: Floats
    score_high: Floats
    values: Mapping[str, Floats]
    penalties: Mapping[str, Floats]
    is_length_assumed: NDArray[np.bool_]
    overflow: Floats
    name_rank: Floats

    def index(self, expert: str) -> int:
        """Position of an expert in every array."""
        return self.experts.index(expert)


@dataclass(frozen=True, slots=True)
class Typical:
    """A typical prompt and answer, which fix the scale of penalties once for all prompts.

    Args:
        input_tokens: Mean length of a prompt.
        output_tokens: Mean length of an expert's answer, by expert.
        latency_s: Mean seconds until an expert's answer is complete, by expert.
    """

    input_tokens: float
    output_tokens: Mapping[str, float]
    latency_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a penalty of 1 means in each unit that varies with the prompt."""

    cost_usd: float
    latency_s: float
    output_tokens: float


def scale_of(catalog: Catalog, typical: Typical) -> Scale:
    """The dearest, slowest and longest typical answer among the experts of a catalogue.

    The scale belongs to the catalogue, not to the prompt: a dollar then weighs the same on every prompt,
    which is what makes a lambda the price of quality. A long prompt may so have a cost penalty above 1.
    """
    known = list(typical.output_tokens.values())
    usual = float(np.median(known)) if known else 1.0
    tokens = np.array([typical.output_tokens.get(name, usual) for name in catalog.names])
    latency = np.array([typical.latency_s.get(name, np.nan) for name in catalog.names])
    cost = catalog.price_in * typical.input_tokens + catalog.price_out * tokens
    return Scale(_largest(cost), _largest(latency), _largest(tokens))


def _largest(values: Floats) -> float:
    positive = values[np.isfinite(values) & (values > 0)]
    return float(positive.max()) if positive.size else 1.0


def candidates(
    catalog: Catalog, prediction: Prediction, input_tokens: float, scale: Scale, *, row: int = 0
) -> Candidates:
    """Lay out one prompt's predictions beside the experts' facts.

    Args:
        catalog: The experts in question.
        prediction: Predictions; experts that it does not know become NaN.
        input_tokens: Tokens of the prompt.
        row: Which row of the prediction.
        scale: From ``scale_of`` for the same catalogue.
    """
    mine = prediction if prediction.experts == catalog.names else prediction.of(catalog.names)
    tokens_out = mine.output_tokens[row]
    cost, is_assumed = predicted_cost(catalog, np.array([input_tokens]), tokens_out[np.newaxis])
    values = {
        "cost": cost[0],
        "latency": mine.latency_s[row],
        "size": catalog.params_b,
        "recency": catalog.age_days,
        "security": catalog.security_tier,
        "verbosity": tokens_out,
        "readability": mine.reading_ease[row],
    }
    needed = input_tokens + np.nan_to_num(tokens_out, nan=0.0)
    overflow = np.nan_to_num(np.maximum(0.0, needed - catalog.context_tokens), nan=0.0)
    return Candidates(
        experts=catalog.names,
        score=mine.score[row],
        score_low=mine.score_low[row],
        score_high=mine.score_high[row],
        values=values,
        penalties=penalties(values, scale),
        is_length_assumed=is_assumed[0],
        overflow=overflow,
        name_rank=catalog.name_rank,
    )


def predicted_cost(catalog: Catalog, input_tokens: Floats, output_tokens: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Price of the counted input plus price of the predicted output, both at the tier that the input falls into.

    An expert none of whose answers was ever measured has no predicted length; its cost then assumes the mean length
    predicted for the others on the same prompt, and the second array says so.

    Args:
        catalog: The experts, for their prices.
        input_tokens: Counted tokens, shape (n_prompts,).
        output_tokens: Predicted tokens, shape (n_prompts, n_experts), NaN where unknown.

    Returns:
        Dollars, shape (n_prompts, n_experts), NaN where a price is unknown; and where the length was assumed.
    """
    unknown = np.isnan(output_tokens)
    known = np.where(unknown, 0.0, output_tokens).sum(axis=1) / np.maximum(1, (~unknown).sum(axis=1))
    known[unknown.all(axis=1)] = np.nan
    length = np.where(unknown, known[:, np.newaxis], output_tokens)
    price_in, price_out = catalog.prices_at(input_tokens)
    cost_out = np.where(price_out == 0, 0.0, price_out * length)
    return price_in * input_tokens[:, np.newaxis] + cost_out, unknown & (price_out > 0)


def penalties(values: Mapping[str, Floats], scale: Scale) -> dict[str, Floats]:
    """Values scaled to about [0, 1], higher is worse; arrays of any one shape, NaN where unknown."""
    return {
        "cost": values["cost"] / scale.cost_usd,
        "latency": values["latency"] / scale.latency_s,
        "size": _log_scaled(values["size"]),
        "recency": values["recency"] / _largest(values["recency"]),
        "security": values["security"] / 3.0,
        "verbosity": values["verbosity"] / scale.output_tokens,
        "readability": np.clip(1.0 - values["readability"] / 100.0, 0.0, 1.0),
    }


def _log_scaled(values: Floats) -> Floats:
    """0 for the smallest, 1 for the largest, by order of magnitude; 0 when all are alike."""
    known = values[values > 0]
    if known.size == 0 or known.max() == known.min():
        return np.where(np.isnan(values), np.nan, 0.0)
    return np.asarray(np.log(values / known.min()) / np.log(known.max() / known.min()))


def weighted_terms(options: Candidates, weights: Mapping[str, float]) -> dict[str, Floats]:
    """Weighted penalties by constraint, shape (n_experts,) each; only weights above 0 appear.

    An unknown penalty counts as the worst known one (1 if none is known): unknown is never an advantage. The order in
    which weights were given never matters, not even to the last digit.
    """
    active = [name for name in CONSTRAINTS if weights.get(name, 0.0) > 0]
    return {name: weights[name] * known_or_worst(options.penalties[name]) for name in active}


def known_or_worst(penalty: Floats) -> Floats:
    """Penalties with every unknown replaced by the worst known one, at least 1."""
    unknown = np.isnan(penalty)
    if not unknown.any():
        return penalty
    worst = 1.0 if unknown.all() else max(1.0, float(np.nanmax(penalty)))
    return np.where(unknown, worst, penalty)


def objective(options: Candidates, terms: Mapping[str, Floats]) -> Floats:
    """Predicted score minus weighted penalties, shape (n_experts,); NaN where the score is unknown.

    Args:
        options: The experts and their predicted scores.
        terms: From ``weighted_terms``.

    Source:
        Hari & Thomson 2023 (arXiv:2308.11601), with score = 1 - loss.
    """
    total = options.score.copy()
    for term in terms.values():
        total -= term
    return total


def check_preferences(preferences: Preferences) -> None:
    """Refuse weights and limits that mean nothing.

    Raises:
        PreferenceError: An unknown constraint, a weight outside [0, 10], or a limit that is negative or not a number.
    """
    for name, weight in preferences.weights.items():
        if name not in CONSTRAINTS:
            raise PreferenceError(unknown_name("constraint", name, CONSTRAINTS))
        if not 0 <= weight <= MAX_WEIGHT:
            raise PreferenceError(f"The weight of {name} is {weight:g}; allowed is 0 (ignored) to {MAX_WEIGHT:g}.")
    for name, limit in preferences.limits.items():
        if name not in CONSTRAINTS:
            raise PreferenceError(unknown_name("constraint", name, CONSTRAINTS))
        if not 0 <= limit < float("inf"):
            raise PreferenceError(
                f"The limit of {name} is {limit:g}; allowed is any number of {CONSTRAINTS[name].unit} from 0."
            )
