"""Item response: how hard a prompt is, which skills it asks for, and what every expert can do of each.

P(expert solves prompt) = sigmoid(sharpness * asked . ability - difficulty). The skills are named after the domains of
the training prompts, and what a prompt asks of each sums to 1, so that both sides can be read.

Source: IRT-Router (arXiv:2506.01048), multidimensional item response theory (Reckase 2009).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import gelu, sigmoid, softmax
from routing.predictors.method import Method
from routing.predictors.stored import Arrays, arrays_of
from routing.schema import Features, Floats

NAME: Final = "mirt"


@dataclass(frozen=True, slots=True)
class Skills:
    """What experts can do.

    Args:
        names: Names of the skills.
        experts: Experts, in the order of the card.
        ability: What the fit expects of the expert on training prompts of that domain, in logits above the mean
            expert, how easy a source is taken out; shape (n_experts, n_skills), NaN where never measured there.
    """

    names: tuple[str, ...]
    experts: tuple[str, ...]
    ability: Floats


def columns(features: Features, arrays: Arrays) -> Floats:
    """Probability that each measurement's expert solves the prompt, shape (n_prompts, n_columns)."""
    return sigmoid(logits(features.vector.astype(float), arrays))


def logits(vector: Floats, arrays: Arrays) -> Floats:
    """The same before the sigmoid."""
    hidden = _hidden(vector, arrays)
    told = asked(vector, arrays) @ arrays["column_ability"].astype(float) * _sharpness(hidden, arrays)
    more = (hidden @ arrays["nameless"].astype(float)) @ arrays["column_nameless"].astype(float)
    return np.asarray(told + more + arrays["offset"] - hardness(vector, arrays)[:, np.newaxis])


def asked(vector: Floats, arrays: Arrays) -> Floats:
    """What prompts ask of every skill, shape (n_prompts, n_skills), rows summing to 1."""
    return softmax(vector @ arrays["skill"].astype(float) + arrays["skill_bias"])


def difficulty(features: Features, arrays: Arrays) -> Floats:
    """Logit with which an expert of mean ability fails, shape (n_prompts,): 0 is an even chance, higher is harder."""
    vector = features.vector.astype(float)
    mean = asked(vector, arrays) @ arrays["mean_ability"].astype(float)
    return np.asarray(hardness(vector, arrays) - mean)


def skills(card: Card) -> Skills:
    """Abilities of every expert of the card, by named skill.

    Raises:
        GraphError: The method's stored arrays are missing or damaged.
    """
    arrays = arrays_of(card, NAME)
    names = tuple(str(name) for name in arrays["skill_names"])
    return Skills(names, card.experts, arrays["ability"].astype(np.float64))


def asked_of(card: Card, features: Features) -> tuple[Floats, Floats]:
    """For people: what each prompt asks of every skill, (n_prompts, n_skills), and its difficulty, (n_prompts,)."""
    arrays = arrays_of(card, NAME)
    return asked(features.vector.astype(float), arrays), difficulty(features, arrays)


def _hidden(vector: Floats, arrays: Arrays) -> Floats:
    return gelu(vector @ arrays["hidden"].astype(float) + arrays["hidden_bias"])


def hardness(vector: Floats, arrays: Arrays) -> Floats:
    """What every expert's logit is lowered by on each prompt, shape (n_prompts,)."""
    return np.asarray(_hidden(vector, arrays) @ arrays["hardness"].astype(float) + arrays["hardness_bias"])


def _sharpness(hidden: Floats, arrays: Arrays) -> Floats:
    """How much ability tells on each prompt, between 1/e and e, shape (n_prompts, 1)."""
    told = np.tanh(hidden @ arrays["sharpness"].astype(float) + arrays["sharpness_bias"])
    return np.asarray(np.exp(told)[:, np.newaxis])


METHOD: Final = Method(
    title="Item response (MIRT)",
    system="Later methods",
    about="A prompt has a difficulty and asks for named skills; an expert has an ability in each.",
    source="arXiv:2506.01048",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
