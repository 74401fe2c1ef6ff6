"""Fit item response: difficulty, sharpness and skills of prompts, abilities of experts."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.predictors.links import logit
from routing.predictors.mirt import hardness, logits
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, Standard, array, descend, masked_cross_entropy
from routing.training.tables import IntArray

HIDDEN: Final = 96
NAMELESS: Final = 24  # directions of skill that no domain explains
DROPOUT: Final = 0.4
SKILL_SHARE: Final = 0.3  # weight of telling domains apart, which ties skills to their names
RIDGE: Final = 1e-3
FEWEST: Final = 20  # outcomes that make a skill of an expert known
SCHEDULE: Final = Schedule(epochs=6, rate=3e-3, decay=0.05)

Fitted = dict[str, NDArray[Any]]


class ItemResponse(nn.Module):  # type: ignore[misc]
    """Standardised vectors to logits of outcomes, with logits of domains beside them."""

    def __init__(self, width: int, skills: int, experts: int, column_expert: Tensor, base: Tensor) -> None:
        super().__init__()
        self.drop, self.drop_hidden = nn.Dropout(DROPOUT), nn.Dropout(DROPOUT)
        self.skill, self.hidden = nn.Linear(width, skills), nn.Linear(width, HIDDEN)
        self.hardness, self.sharpness = nn.Linear(HIDDEN, 1), nn.Linear(HIDDEN, 1)
        self.nameless = nn.Linear(HIDDEN, NAMELESS, bias=False)
        self.ability = nn.Parameter(torch.zeros(experts, skills))
        self.own = nn.Parameter(torch.zeros(len(base), skills))
        self.column_nameless = nn.Parameter(0.02 * torch.randn(len(base), NAMELESS))
        self.offset = nn.Parameter(base.clone())
        self.register_buffer("column_expert", column_expert)
        for layer in (self.hardness, self.sharpness):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def column_ability(self) -> Tensor:
        """Ability of each column's expert, with what is peculiar to its source, shape (n_columns, n_skills)."""
        ability: Tensor = self.ability[self.column_expert] + self.own
        return ability

    def forward(self, x: Tensor) -> Tensor:
        """Logits of columns, then of domains, shape (batch, n_columns + n_skills)."""
        x = self.drop(x)
        domain = self.skill(x)
        hidden = self.drop_hidden(nn.functional.gelu(self.hidden(x), approximate="tanh"))
        told = torch.softmax(domain, dim=1) @ self.column_ability().T * torch.exp(torch.tanh(self.sharpness(hidden)))
        more = self.nameless(hidden) @ self.column_nameless.T
        return torch.cat([told + more + self.offset - self.hardness(hidden), domain], dim=1)


def fit(data: TrainingSet) -> Fitted:
    """Fit on all prompts; skills are the domains, or the sources where domains are not known."""
    label = np.asarray(data.sources, dtype=object)[data.source] if data.domain is None else data.domain
    names, place = np.unique(label.astype(str), return_inverse=True)
    count = data.score.shape[1]
    base = torch.tensor(logit(data.base()), dtype=torch.float32)
    column_expert = torch.from_numpy(data.column_expert)

    def make() -> nn.Module:
        return ItemResponse(data.vector.shape[1], len(names), len(data.experts), column_expert, base)

    def loss(found: Tensor, truth: Tensor) -> Tensor:
        told = masked_cross_entropy(found[:, :count], truth[:, :count])
        return told + SKILL_SHARE * nn.functional.cross_entropy(found[:, count:], truth[:, count].long())

    labelled = replace(data, score=np.column_stack([data.score, place]))
    found, scaled = descend(make, loss, labelled, SCHEDULE)
    arrays = _arrays(found, scaled)
    return arrays | _readable(arrays, data, names, place)


def _arrays(found: ItemResponse, scaled: Standard) -> Fitted:
    """What predicting needs."""
    skill, skill_bias = scaled.fold(array(found.skill.weight).T, array(found.skill.bias))
    hidden, hidden_bias = scaled.fold(array(found.hidden.weight).T, array(found.hidden.bias))
    large = {
        "skill": skill,
        "hidden": hidden,
        "nameless": array(found.nameless.weight).T,
        "column_nameless": array(found.column_nameless).T,
        "column_ability": array(found.column_ability()).T,
    }
    small = {
        "skill_bias": skill_bias,
        "hidden_bias": hidden_bias,
        "hardness": array(found.hardness.weight)[0],
        "hardness_bias": array(found.hardness.bias),
        "sharpness": array(found.sharpness.weight)[0],
        "sharpness_bias": array(found.sharpness.bias),
        "offset": array(found.offset),
    }
    return {k: v.astype(np.float16) for k, v in large.items()} | {k: v.astype(np.float32) for k, v in small.items()}


def _readable(arrays: Fitted, data: TrainingSet, names: NDArray[np.str_], place: NDArray[np.int64]) -> Fitted:
    """Abilities for people, and what an expert of mean ability brings to each skill."""
    told = logits(data.vector, arrays) + hardness(data.vector, arrays)[:, np.newaxis]
    known = np.isfinite(data.score)
    ability = np.full((len(data.experts), len(names)), np.nan)
    mean = np.zeros(len(names))
    for skill in range(len(names)):
        here = known & (place == skill)[:, np.newaxis]
        seen = here.sum(axis=0)
        columns = np.flatnonzero(seen >= min(FEWEST, max(1, seen.max(initial=0))))
        if seen.any():
            level = np.where(here, told, 0.0).sum(axis=0)[columns] / seen[columns]
            mean[skill] = level.mean()
            experts, found = _abilities(level, data.column_expert[columns], data.column_source[columns])
            ability[experts, skill] = found - found.mean()
    return {
        "skill_names": names,
        "ability": ability.astype(np.float32),
        "mean_ability": mean.astype(np.float32),
    }


def _abilities(level: Floats, expert: IntArray, source: IntArray) -> tuple[IntArray, Floats]:
    """Experts and their abilities, by least squares of ability + ease of the source, with a trace of ridge."""
    (experts, who), (sources, where) = (np.unique(index, return_inverse=True) for index in (expert, source))
    design = np.concatenate([np.eye(len(experts))[who], np.eye(len(sources))[where]], axis=1)
    gram = design.T @ design + RIDGE * np.eye(design.shape[1])
    return experts, np.linalg.solve(gram, design.T @ level)[: len(experts)]
