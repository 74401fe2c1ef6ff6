"""What stored runs say: how fast experts really answer, and how far predictions were off."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.schema import OWN_ADDRESS, STATED_THERE, Answer, Pace
from routing.store.records import KeptRun

FEWEST_TOKENS: Final = 8  # answers shorter than this say nothing about tokens per second
LONG_TOKENS: Final = 100  # and only those longer than this say it for answers of another length
FACTS: Final = ("cost_usd", "latency_s", "output_tokens", "reading_ease")


@dataclass(frozen=True, slots=True)
class Error:
    """How far a predicted quantity was from the measured one.

    Args:
        quantity: "cost_usd", "latency_s", "output_tokens", "reading_ease" or "score".
        n: Pairs of predicted and measured values.
        mean_predicted: Mean of the predicted values.
        mean_measured: Mean of the measured ones.
        mean_absolute: Mean absolute difference.
        median_ratio: Median of measured over predicted; None for scores, and where a prediction is zero.
    """

    quantity: str
    n: int
    mean_predicted: float
    mean_measured: float
    mean_absolute: float
    median_ratio: float | None


def tokens_per_second(answer: Answer) -> float | None:
    """Output tokens per second after the first token; None where too little arrived to tell."""
    first, tokens = answer.time_to_first_token_s, answer.output_tokens
    if first is None or tokens is None or tokens < FEWEST_TOKENS or answer.latency_s <= first:
        return None
    return (tokens - 1) / (answer.latency_s - first)


def paces(runs: Iterable[KeptRun], at_own_address: Collection[str] = ()) -> dict[str, Pace]:
    """How fast every expert answered, over its complete answers.

    Args:
        runs: Runs with their answers.
        at_own_address: Experts that are called at another address than their provider's now. Only answers from such
            an address say how fast they are, and for all others only answers from elsewhere.
    """
    by_expert: dict[str, list[Answer]] = {}
    for run in runs:
        for kept in run.answers:
            is_own = kept.answer.cost_source in {OWN_ADDRESS, STATED_THERE}
            is_whole = kept.answer.is_complete and kept.answer.error is None
            if is_whole and is_own == (kept.answer.expert in at_own_address):
                by_expert.setdefault(kept.answer.expert, []).append(kept.answer)
    return {expert: _pace(expert, found) for expert, found in by_expert.items()}


def _pace(expert: str, answers: list[Answer]) -> Pace:
    first = [a.time_to_first_token_s for a in answers if a.time_to_first_token_s is not None]
    # Where only short answers came, their speed is shown, but nothing is expected from it: see Pace.latency_of.
    long = [a for a in answers if (a.output_tokens or 0) >= LONG_TOKENS and tokens_per_second(a) is not None]
    speed = [s for s in map(tokens_per_second, long or answers) if s is not None]
    latency = [a.latency_s for a in answers]
    return Pace(
        expert=expert,
        n=len(answers),
        first_token_s=_quantile(first, 0.5),
        first_token_p95_s=_quantile(first, 0.95),
        tokens_per_s=_quantile(speed, 0.5),
        latency_s=float(np.median(latency)),
        latency_p95_s=float(np.quantile(latency, 0.95)),
        tokens_per_s_p95=_quantile(speed, 0.05),
        n_long=len(long),
        longest_tokens=max((a.output_tokens for a in answers if a.output_tokens is not None), default=None),
    )


def _quantile(values: list[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None


def errors(runs: Iterable[KeptRun], expert: str | None = None) -> list[Error]:
    """How far predictions of cost, latency, length, reading ease and score were off, over complete answers.

    Args:
        runs: Runs with their answers and votes.
        expert: Only answers of this one; of all where None.

    A score is measured where an answer was checked (1 or 0), or where a person voted: the winner counts 1, a tie one
    half, the others and "both bad" 0. That is a rough measure, and the page says so.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        votes = [v for v in run.votes if v.judge == "person"]
        for kept in run.answers:
            answer = kept.answer
            if not answer.is_complete or answer.error is not None or expert not in {None, answer.expert}:
                continue
            measured = {name: getattr(answer, name, None) for name in FACTS} | {"reading_ease": kept.reading_ease}
            measured["score"] = kept.check[2] * 1.0 if kept.check is not None else None
            if measured["score"] is None and votes and answer.expert in votes[-1].experts:
                last = votes[-1]
                measured["score"] = {"win": float(last.winner == answer.expert), "tie": 0.5}.get(last.verdict, 0.0)
            told = run.run.predicted.get(answer.expert, {})
            for name, value in measured.items():
                predicted = told.get(name)
                if value is not None and predicted is not None:
                    pairs.setdefault(name, []).append((float(predicted), float(value)))
    return [_error(name, pairs[name]) for name in (*FACTS, "score") if name in pairs]


def _error(name: str, pairs: list[tuple[float, float]]) -> Error:
    predicted, measured = np.array(pairs).T
    ratio = None
    if name != "score" and (predicted > 0).all():
        ratio = float(np.median(measured / predicted))
    return Error(
        quantity=name,
        n=len(pairs),
        mean_predicted=float(predicted.mean()),
        mean_measured=float(measured.mean()),
        mean_absolute=float(np.abs(measured - predicted).mean()),
        median_ratio=ratio,
    )
