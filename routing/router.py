"""The composition: a prompt goes in, a decision with everything that explains it comes out."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from routing import flags as flag_grammar
from routing.catalog import Catalog
from routing.cleaning import EMPTY, clean_prompt
from routing.decision import Decision, decide
from routing.errors import PromptError
from routing.objective import Scale, Typical, candidates, scale_of
from routing.onboarding.basis import Basis
from routing.policies import Rule
from routing.predictors import DEFAULT
from routing.schema import Encoder, Features, Floats, Pace, Prediction, Predictor, Preferences
from routing.telling import percent
from routing.word_pieces import HEAD_TOKENS, TAIL_TOKENS

MOST_BROKEN = 0.25  # of the word pieces read; of the data's 50,544 prompts 89 have more: mazes and strings of bits
LEAST = 0.004  # scores stay this far from 0 and 1 when log odds are added to them


@dataclass(frozen=True, slots=True)
class Reading:
    """One prompt as the router read it: nothing here depends on weights or limits.

    Args:
        prompt: The prompt without its flags; this is what experts are asked.
        flags: Flags found in it.
        warnings: Sentences about flags that were not followed, and about what was not read.
        prediction: One row of predictions.
        input_tokens: Tokens of the prompt, all of them counted, as a current model counts them.
        familiarity: Cosine to the nearest training prototype.
        unfamiliar_because: Why the predictions say little about this prompt, as a sentence; empty if it is familiar.
        read_ms: Time that encoding and predicting took.
    """

    prompt: str
    flags: tuple[flag_grammar.Flag, ...]
    warnings: tuple[str, ...]
    prediction: Prediction
    input_tokens: int
    familiarity: float
    unfamiliar_because: str
    read_ms: float

    @property
    def is_familiar(self) -> bool:
        """Whether the prompt is like training prompts, and made of words that the encoder knows."""
        return not self.unfamiliar_because


@dataclass(frozen=True, slots=True)
class Routed:
    """A reading and the decision made on it; ``decide_ms`` is the time that deciding took.

    ``router`` is the name of the predictor or policy that decided.
    """

    reading: Reading
    decision: Decision
    decide_ms: float
    router: str = DEFAULT


class Router:
    """Routes prompts: encoder, predictor and catalogue behind one call.

    Args:
        encoder: Turns prompts into features.
        predictor: Turns features into predictions.
        catalog: Every expert that may be in a pool.
        typical: The typical prompt and answers that scale penalties.
        unfamiliar_below: Familiarity under which a prompt counts as unlike the training data.
        card: The router card, as it was read.
        basis: What experts differ in, for those that were onboarded; None where none was learned for the graph.
        name: Its name in the registry of predictors or of policies.
        rule: What makes a policy's rule for a pool and a prompt's key; None where the objective decides.
    """

    def __init__(  # noqa: PLR0913 - the composition takes every part by name
        self,
        encoder: Encoder,
        predictor: Predictor,
        catalog: Catalog,
        typical: Typical,
        *,
        unfamiliar_below: float,
        card: Mapping[str, Any] | None = None,
        basis: Basis | None = None,
        name: str = DEFAULT,
        rule: Callable[[tuple[str, ...], int], Rule] | None = None,
    ) -> None:
        self.name = name
        self._rule = rule
        self.card = card or {}
        self.basis = basis
        self.encoder = encoder
        self.predictor = predictor
        self.catalog = catalog
        self.typical = typical
        self.unfamiliar_below = unfamiliar_below
        self._pool = lru_cache(maxsize=256)(self._make_pool)

    def route(self, prompt: str, preferences: Preferences | None = None) -> Routed:
        """Read a prompt and decide; flags in the prompt override the preferences.

        Raises:
            PromptError: The prompt is empty without its flags, or longer than a million characters.
            PreferenceError: A weight or limit that cannot be used.
            CatalogError: The pool is empty or names an unknown expert.
        """
        return self.decide(self.read(prompt), preferences or Preferences())

    def read(self, prompt: str) -> Reading:
        """Parse, encode and predict: the part that takes milliseconds and does not depend on preferences."""
        started = time.perf_counter()
        parsed = flag_grammar.parse(clean_prompt(prompt))
        if not parsed.prompt:
            raise PromptError(EMPTY)
        features = self.encoder.encode([parsed.prompt])
        prediction = self.predictor.predict(features)
        tokens, familiarity = int(features.input_tokens[0]), float(features.familiarity[0])
        warnings = parsed.warnings
        if features.is_truncated[0]:
            warnings = (
                *warnings,
                f"The prompt has {tokens:,} tokens; the predictions rest on its beginning and its end, the first "
                f"{HEAD_TOKENS} and the last {TAIL_TOKENS} word pieces. Experts get all of it.",
            )
        return Reading(
            prompt=parsed.prompt,
            flags=parsed.flags,
            warnings=warnings,
            prediction=prediction,
            input_tokens=tokens,
            familiarity=familiarity,
            unfamiliar_because=self._unfamiliar_because(features),
            read_ms=(time.perf_counter() - started) * 1e3,
        )

    def _unfamiliar_because(self, features: Features) -> str:
        """Why the predictions say little about the first prompt; empty if there is no reason."""
        broken = 0.0 if features.broken_share is None else float(features.broken_share[0])
        if broken > MOST_BROKEN:
            return (
                f"The router can read little of this prompt: {percent(broken)} of what it reads are splinters of words "
                "or letters that it does not know, such as those of keys, encoded data and scripts it never saw."
            )
        similarity = float(features.familiarity[0])
        if similarity < self.unfamiliar_below:
            return f"This prompt is unlike nearly all that the router was trained on (similarity {similarity:.2f})."
        return ""

    def decide(
        self,
        reading: Reading,
        preferences: Preferences,
        *,
        paces: Mapping[str, Pace] | None = None,
        shifts: Mapping[str, float] | None = None,
    ) -> Routed:
        """Decide on a reading: the part that runs again when a slider moves.

        Args:
            reading: From ``read``.
            preferences: Weights, limits and pool.
            paces: How fast experts really answered here; they stand in for what the logs of others say.
            shifts: Log odds to add to predicted scores, from an adjustment that a person applied.
        """
        started = time.perf_counter()
        wanted = flag_grammar.apply(reading.flags, preferences)
        pool, scale = self._pool(wanted.pool)
        prediction = reading.prediction.of(pool.names)
        if paces:
            prediction = replace(prediction, latency_s=_paced(prediction, paces))
        if shifts:
            prediction = adjusted(prediction, shifts)
        options = candidates(pool, prediction, reading.input_tokens, scale)
        rule = None if self._rule is None else self._rule(pool.names, prompt_key(reading.prompt))
        decision = decide(options, wanted, rule)
        return Routed(reading, decision, (time.perf_counter() - started) * 1e3, self.name)

    def with_experts(self, catalog: Catalog, predictor: Predictor | None = None) -> "Router":
        """The same router over another catalogue; encoder and card are shared, so this takes microseconds.

        Args:
            catalog: Every expert that may be in a pool; the predictor need not know each of them.
            predictor: What predicts instead, where more experts can be predicted; the same if not given.
        """
        other = copy.copy(self)
        other.catalog = catalog
        other.predictor = predictor or self.predictor
        other._pool = lru_cache(maxsize=256)(other._make_pool)
        return other

    def scale(self, pool: tuple[str, ...] | None = None) -> Scale:
        """What a penalty of 1 means in each unit, for a pool."""
        return self._pool(pool)[1]

    def _make_pool(self, pool: tuple[str, ...] | None) -> tuple[Catalog, Scale]:
        chosen = self.catalog if pool is None else self.catalog.subset(pool)
        return chosen, scale_of(chosen, self.typical)


def _paced(prediction: Prediction, paces: Mapping[str, Pace]) -> Floats:
    """Seconds until the answer is complete, measured here where it was, shape (1, n_experts)."""
    seconds = prediction.latency_s.copy()
    for column, name in enumerate(prediction.experts):
        if name in paces:
            measured = paces[name].latency_of(float(prediction.output_tokens[0, column]))
            seconds[0, column] = seconds[0, column] if measured is None else measured
    return seconds


def adjusted(prediction: Prediction, shifts: Mapping[str, float]) -> Prediction:
    """Predicted scores and their intervals moved by log odds per expert; all else as it was."""
    if not shifts:
        return prediction
    by = np.array([shifts.get(name, 0.0) for name in prediction.experts])
    return replace(
        prediction,
        score=_moved(prediction.score, by),
        score_low=_moved(prediction.score_low, by),
        score_high=_moved(prediction.score_high, by),
    )


def _moved(score: Floats, by: Floats) -> Floats:
    """Exactly the same numbers where nothing is added, so that an expert without a shift never changes."""
    safe = np.clip(score, LEAST, 1.0 - LEAST)
    return np.where(by == 0.0, score, 1.0 / (1.0 + np.exp(-(np.log(safe / (1.0 - safe)) + by))))


def prompt_key(prompt: str) -> int:
    """The same number for the same prompt, for policies that draw."""
    return int.from_bytes(blake2b(prompt.encode("utf-8"), digest_size=8).digest(), "big")
