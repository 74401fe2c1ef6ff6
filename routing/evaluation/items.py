"""What item response theory makes readable: the skills of experts and the difficulty of domains."""

from typing import Any

import numpy as np

from routing import predictors
from routing.evaluation.measures import groups_of
from routing.evaluation.trial import Trial
from routing.predictors import mirt


def item_facts(trial: Trial) -> dict[str, Any]:
    """Skills, experts' abilities and difficulty by domain; empty where the method is not judged.

    Abilities are logits above the mean expert, None where an expert was never measured on that skill's domain;
    difficulty is the logit with which an expert of mean ability fails.
    """
    if mirt.NAME not in trial.names or mirt.NAME not in predictors.PREDICTORS:
        return {}
    card = next(iter(trial.scenes.values())).card
    told = mirt.skills(card)
    _, hard = mirt.asked_of(card, trial.features)
    domain = trial.outcomes.prompts["domain"].to_numpy(dtype=object)[trial.rows]
    return {
        "skills": list(told.names),
        "experts": {
            name: [None if np.isnan(value) else float(value) for value in row]
            for name, row in zip(told.experts, told.ability, strict=True)
        },
        "difficulty_by_domain": {
            name: {"mean": float(hard[here].mean()), "n_prompts": len(here)} for name, here in groups_of(domain)
        },
    }
