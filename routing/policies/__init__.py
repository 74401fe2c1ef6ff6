"""Policies: rules that pick from confidences instead of an objective, after Multiple Minds; and a cascade.

A policy reads one predictor's scores as confidences that an expert solves the prompt, says in which order it prefers
the experts, and whom it asks. Most ask one expert; a vote asks every expert that is predicted capable.

Source: Srivatsa, Maurya & Kochmar 2024 (arXiv:2405.00467); the cascade after FrugalGPT (arXiv:2305.05176).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from routing.policies import played, rules
from routing.policies.rules import Choice, Confidences, Mask
from routing.schema import Floats


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of the registry.

    Args:
        title: Its name for people.
        about: What it does, in one sentence.
        source: Where it was published.
        base: The predictor whose scores it reads.
        choose: The rule.
        play: What it comes to on measured outcomes: score per prompt and who was asked; None where one expert is asked
            and its score is the score.
    """

    title: str
    about: str
    source: str
    base: str
    choose: Callable[[Confidences], Choice]
    play: Callable[[Confidences, Floats], tuple[Floats, Mask]] | None = None


PAPER: Final = "arXiv:2405.00467"
_CLASSIFIERS: Final = {"multi-label": "the multi-label classifier", "separate": "the expert's own classifier"}
_RULES: Final = {
    "argmax": Policy("ArgMax", "The expert in whom {who} is most confident.", PAPER, "", rules.argmax),
    "random": Policy(
        "Random among the capable",
        "One of those whom {who} holds capable, drawn evenly.",
        PAPER,
        "",
        rules.random_capable,
    ),
    "random-top3": Policy(
        "Random of the top 3 when unsure",
        "The most confident expert by {who}, or one of the best three where its confidence is below 0.6.",
        PAPER,
        "",
        rules.random_top3,
    ),
    "sorted-accuracy": Policy(
        "Sorted prediction, by accuracy",
        "The first whom {who} holds capable, in order of training accuracy.",
        PAPER,
        "",
        rules.sorted_by_accuracy,
    ),
    "sorted-cost": Policy(
        "Sorted prediction, by cost", "The cheapest whom {who} holds capable.", PAPER, "", rules.sorted_by_cost
    ),
    "sorted-published": Policy(
        "Sorted prediction, as published",
        "The walk by accuracy with confidences read by place, a defect kept for comparison; {who}.",
        PAPER,
        "",
        rules.sorted_as_published,
    ),
    "vote": Policy(
        "Vote", "Everyone whom {who} holds capable is asked; the majority answers.", PAPER, "", rules.vote, played.voted
    ),
}
POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        **{
            f"{base}/{name}": replace(rule, base=base, about=rule.about.format(who=who))
            for base, who in _CLASSIFIERS.items()
            for name, rule in _RULES.items()
        },
        "multi-label/prediction": Policy(
            "Prediction",
            "A second model reads all confidences and says who is best; as published it comes down to ArgMax.",
            PAPER,
            "second",
            rules.argmax,
        ),
        "avengers/balanced": Policy(
            "Performance and efficiency",
            "The highest sum of quality and cheapness, both scaled over the experts of a prompt, weighed alike.",
            "arXiv:2508.12631",
            "avengers",
            rules.performance_efficiency,
        ),
        "matrix-factorisation/threshold": Policy(
            "Strong or weak",
            "The most accurate expert in training where it is likely enough to beat the cheapest, else the cheapest.",
            "arXiv:2406.18665",
            "matrix-factorisation",
            rules.strong_or_weak,
        ),
        "cascade": Policy(
            "Cascade",
            "From the cheapest expert upwards, until an answer is judged good enough; all asked on the way are paid.",
            "arXiv:2305.05176",
            "blend",
            rules.cascade,
            played.cascaded,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy made ready for one pool: what it needs to know besides the prediction.

    Args:
        policy: The policy.
        threshold: From which confidence an expert counts as capable, shape (n_experts,).
        accuracy: Mean score in training, shape (n_experts,), NaN unknown.
        key: What anything random is drawn from; the same prompt always has the same.
    """

    policy: Policy
    threshold: Floats
    accuracy: Floats
    key: int

    def order(self, score: Floats, cost_usd: Floats) -> rules.IntArray:
        """Positions of all experts in order of preference for one prompt, shape (n_experts,).

        Args:
            score: Confidences, shape (n_experts,), NaN for an expert that may not be asked.
            cost_usd: Predicted costs, same shape.
        """
        key = np.array([self.key], dtype=np.uint64)
        told = Confidences(score[np.newaxis], self.threshold, cost_usd[np.newaxis], self.accuracy, key)
        return np.asarray(self.policy.choose(told).order[0])


def outcome(chosen: Policy, told: Confidences, measured: Floats) -> tuple[Floats, Mask]:
    """What a policy comes to on measured outcomes: score per prompt, shape (n_prompts,), and who was asked.

    Args:
        chosen: The policy.
        told: Confidences.
        measured: Measured scores, shape (n_prompts, n_experts), without gaps.
    """
    if chosen.play is not None:
        return chosen.play(told, measured)
    choice = chosen.choose(told)
    return np.take_along_axis(measured, choice.pick[:, np.newaxis], axis=1)[:, 0], choice.called
