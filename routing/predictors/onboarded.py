"""Predictions for experts that the graph does not know, from what they did on probes or published figures."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final

import numpy as np

from routing.onboarding.basis import Basis
from routing.onboarding.skill import Skill
from routing.schema import Features, Floats, Prediction, Predictor

SCORES: Final = ("score", "score_low", "score_high")


class Onboarded:
    """A predictor with columns added for onboarded experts; what the graph was trained on keeps its own column.

    How long and how readable their answers are is unknown: probes ask for short answers, which tells nothing of others.
    In the training data the length of an expert's answers, relative to the others' on the same prompts, does not carry
    over from one source to another (correlations of .21, .39 and -.79 over 8, 10 and 5 experts).

    Args:
        base: Predicts for the experts of the graph.
        skills: Fitted parameters by expert; those of another graph are left out.
        basis: The basis that belongs to the graph.
    """

    def __init__(self, base: Predictor, skills: Mapping[str, Skill], basis: Basis) -> None:
        self.base = base
        self.basis = basis
        self.skills = {
            name: skill
            for name, skill in skills.items()
            if skill.graph_sha256 == basis.graph_sha256 and name not in basis.experts
        }

    def predict(self, features: Features) -> Prediction:
        """Predict for the experts of the graph and for the onboarded ones, one row a prompt."""
        told = self.base.predict(features)
        if not self.skills:
            return told
        axes = self.basis.axes_of(features)
        found = [skill.predict(self.basis, axes) for skill in self.skills.values()]
        added = {name: np.stack([one[i] for one in found], axis=1) for i, name in enumerate(SCORES)}
        unknown = np.full((len(axes), len(self.skills)), np.nan)
        arrays: dict[str, Floats] = {
            one.name: np.concatenate([getattr(told, one.name), added.get(one.name, unknown)], axis=1)
            for one in fields(told)
            if one.name != "experts"
        }
        return replace(told, experts=(*told.experts, *self.skills), **arrays)
