"""How much answers of the same expert to the same prompt differ from each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

from routing.schema import Answer


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of one quantity over n answers; None where too few have it."""

    mean: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Repeats:
    """What asking one expert several times gave.

    Args:
        expert: Whom.
        n: Answers that ended, failed ones too.
        n_complete: Of these, complete.
        n_texts: Different texts among the complete ones.
        in_common: Share in [0, 1] of the words that two answers have in common, mean over pairs; None below two.
        latency_s: Of complete answers.
        output_tokens: Of complete answers.
        cost_usd: Of complete answers.
        passed: Share in [0, 1] of checked answers that passed; None where none was checked.
    """

    expert: str
    n: int
    n_complete: int
    n_texts: int
    in_common: float | None
    latency_s: Spread
    output_tokens: Spread
    cost_usd: Spread
    passed: float | None


def repeats(answers: Iterable[tuple[Answer, bool | None]]) -> list[Repeats]:
    """By expert, in the order in which they come.

    Args:
        answers: Each with whether a check of it passed; None where it was not checked.
    """
    found: dict[str, list[tuple[Answer, bool | None]]] = {}
    for answer, is_passed in answers:
        found.setdefault(answer.expert, []).append((answer, is_passed))
    return [_of(expert, each) for expert, each in found.items()]


def _of(expert: str, each: Sequence[tuple[Answer, bool | None]]) -> Repeats:
    whole = [answer for answer, _ in each if answer.is_complete and answer.error is None]
    checked = [is_passed for _, is_passed in each if is_passed is not None]
    return Repeats(
        expert=expert,
        n=len(each),
        n_complete=len(whole),
        n_texts=len({answer.text.strip() for answer in whole}),
        in_common=_in_common([answer.text for answer in whole]),
        latency_s=_spread([answer.latency_s for answer in whole]),
        output_tokens=_spread([answer.output_tokens for answer in whole]),
        cost_usd=_spread([answer.cost_usd for answer in whole]),
        passed=fmean(checked) if checked else None,
    )


def _spread(values: Sequence[float | None]) -> Spread:
    known = [float(value) for value in values if value is not None]
    return Spread(fmean(known) if known else None, stdev(known) if len(known) > 1 else None)


def _in_common(texts: Sequence[str]) -> float | None:
    """Dice's coefficient of the words, each as often as it occurs; in whatever order, so that it takes no time."""
    bags = [Counter(text.casefold().split()) for text in texts]
    shares = [2 * (a & b).total() / max(1, a.total() + b.total()) for a, b in combinations(bags, 2)]
    return fmean(shares) if shares else None
