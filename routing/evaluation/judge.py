"""Judge predictors, policies and baselines on one pool: one JSON-ready row each, all with the same keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.catalog import Catalog
from routing.encoder import Card
from routing.evaluation import decided, detail, report
from routing.evaluation.costs import PoolOutcomes
from routing.evaluation.decided import Decided
from routing.objective import predicted_cost
from routing.outcomes import Outcomes
from routing.policies import POLICIES, Policy, outcome
from routing.policies.rules import Confidences
from routing.registry import confidences
from routing.router import prompt_key
from routing.schema import Features, Floats, Prediction

BOUNDS: Final = {"upper bound of multi-label": "multi-label/argmax", "upper bound of separate": "separate/argmax"}
"""Rows that say what a classifier could reach if any expert it holds capable were right, and whose thresholds hold."""
BASELINES: Final = ("random expert", "best single", "dataset oracle", "oracle")


@dataclass(frozen=True, slots=True)
class Scene:
    """One pool with everything that rows on it share.

    Args:
        pool: Its outcomes.
        card: The router card.
        input_tokens: Counted tokens per prompt, shape (n_prompts,).
        vector: Unit sentence vectors, shape (n_prompts, width).
        task: Source and task per prompt.
        domain: Domain per prompt.
        key: A stable number per prompt, shape (n_prompts,).
        weights: Bootstrap weights, shape (resamples, n_prompts).
    """

    pool: PoolOutcomes
    card: Card
    input_tokens: Floats
    vector: NDArray[np.float32]
    task: NDArray[np.object_]
    domain: NDArray[np.object_]
    key: NDArray[np.uint64]
    weights: Floats

    def cost(self, prediction: Prediction) -> Floats:
        """Dollars expected of every expert, shape (n_prompts, n_experts)."""
        catalog = Catalog(self.pool.experts, date.today())
        return predicted_cost(catalog, self.input_tokens, prediction.output_tokens)[0]

    def narrow(self, at: NDArray[np.int64], members: Sequence[str]) -> Self:
        """The same scene with some of its prompts, by place, and some of its experts."""
        arrays = {name: getattr(self, name)[at] for name in ("input_tokens", "vector", "task", "domain", "key")}
        weights = report.resample_weights(len(at), resamples=len(self.weights))
        return replace(self, pool=self.pool.narrow(at, members), weights=weights, **arrays)

    def confidences(self, policy: Policy, prediction: Prediction) -> Confidences:
        """What a policy chooses from, given what its base predicts."""
        return confidences(self.card, policy, prediction, self.cost(prediction), self.key)


def scene(
    pool: PoolOutcomes, card: Card, outcomes: Outcomes, features: Features, *, resamples: int = report.RESAMPLES
) -> Scene:
    """Everything that rows on one pool share; ``features`` are those of its prompts."""
    prompts = outcomes.prompts.iloc[pool.rows]
    return Scene(
        pool,
        card,
        features.input_tokens.astype(float),
        features.vector,
        (prompts["source"] + " / " + prompts["task"]).to_numpy(dtype=object),
        prompts["domain"].to_numpy(dtype=object),
        np.array([prompt_key(text) for text in prompts["text"]], dtype=np.uint64),
        report.resample_weights(len(pool.rows), resamples=resamples),
    )


def rows(scene: Scene, told: Mapping[str, Prediction], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The named predictors, policies and baselines on one pool, by name.

    Args:
        scene: The pool.
        told: Predictions by predictor, for the pool's experts; the bases of policies and prompt-blind among them.
        names: What to judge.
    """
    shared = _shared(scene)
    blind = predictor_row(scene, told[predictors.PROMPT_BLIND])
    floor = {
        "aiq_prompt_blind": blind["aiq"],
        "aiq_prompt_blind_above_static_mix": blind["aiq_above_static_mix"],
    }
    found = {}
    for name in names:
        part = predictor_row(scene, told[name]) if name in predictors.PREDICTORS else _choices(scene, told, name)
        found[name] = {**shared, **identity(name), **part, **floor}
    return found


def greedy(prediction: Prediction) -> NDArray[np.int64]:
    """The expert with the highest predicted score, shape (n_prompts,)."""
    known = np.where(np.isnan(prediction.score), -np.inf, prediction.score)
    return np.asarray(known.argmax(axis=1), dtype=np.int64)


def rows_at(prediction: Prediction, at: NDArray[np.int64]) -> Prediction:
    """The same predictions for some of the prompts, by place."""
    arrays = {one.name: getattr(prediction, one.name)[at] for one in fields(prediction) if one.name != "experts"}
    return replace(prediction, **arrays)


def _shared(scene: Scene) -> dict[str, Any]:
    steps = report.ladder(scene.pool, scene.task, scene.weights)
    names = [expert.name for expert in scene.pool.experts]
    return {"pool": scene.pool.name, "n_prompts": len(scene.pool.rows), "experts": names, **steps}


def identity(name: str) -> dict[str, str]:
    """Name, kind and family of a row, as the registries state them."""
    if name in predictors.PREDICTORS:
        method = predictors.PREDICTORS[name]
        return {"router": name, "title": method.title, "kind": "predictor", "system": method.system}
    if name in POLICIES:
        system = "Multiple Minds" if POLICIES[name].source.endswith("2405.00467") else "Later methods"
        return {"router": name, "title": POLICIES[name].title, "kind": "policy", "system": system}
    return {"router": name, "title": name[0].upper() + name[1:], "kind": "baseline", "system": "Baselines"}


def predictor_row(scene: Scene, prediction: Prediction) -> dict[str, Any]:
    """The measures of one prediction on a scene, without the name of who made it."""
    chosen = decided.picked(scene.pool, greedy(prediction))
    return {
        **report.choice_report(scene.pool, chosen, scene.weights),
        **report.cost_report(scene.pool, prediction.score, scene.cost(prediction), scene.weights),
        **report.prediction_report(scene.pool, prediction, scene.vector, scene.task),
        **report.pair_report(scene.pool, prediction.score, scene.weights),
        "domains": detail.domain_report(scene.pool, chosen, scene.domain),
    }


def _choices(scene: Scene, told: Mapping[str, Prediction], name: str) -> dict[str, Any]:
    """A policy or a baseline: choices without a prediction of their own, so that measures of predictions are None."""
    chosen = _decided(scene, told, name)
    return {
        **report.choice_report(scene.pool, chosen, scene.weights),
        **dict.fromkeys(report.PREDICTION_KEYS),
        "domains": detail.domain_report(scene.pool, chosen, scene.domain),
    }


def _decided(scene: Scene, told: Mapping[str, Prediction], name: str) -> Decided:
    pool = scene.pool
    policy = POLICIES[BOUNDS.get(name, name)] if name in BOUNDS or name in POLICIES else None
    if policy is not None:
        seen = scene.confidences(policy, told[policy.base])
        if name in BOUNDS:
            return decided.best_of(pool, seen.capable)
        score, called = outcome(policy, seen, pool.score)
        return Decided(score, called.astype(float), bool((called.sum(axis=1) == 1).all()))
    if name == "random expert":
        return decided.drawn(pool)
    if name == "oracle":
        return decided.oracle(pool)
    one = np.full(len(pool.rows), pool.best_single)
    return decided.picked(pool, one if name == "best single" else decided.best_per_task(pool, scene.task))


def bases_of(names: Iterable[str]) -> list[str]:
    """Predictors that these rows need, prompt-blind always among them."""
    rules = [BOUNDS.get(name, name) for name in names]
    needed = [POLICIES[rule].base if rule in POLICIES else rule for rule in rules if rule not in BASELINES]
    return list(dict.fromkeys([*needed, predictors.PROMPT_BLIND]))
