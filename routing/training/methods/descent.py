"""Training of small torch modules on sentence vectors: standardised, in batches, the same for the same seed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from routing.schema import Floats
from routing.training.methods.data import TrainingSet

BATCH: Final = 256
FEWEST_STEPS: Final = 120  # few prompts are gone through more often
LEAST_SCALE: Final = 0.01  # a feature that hardly varies is not blown up to unit variance

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Standard:
    """Mean and scale of sentence vectors, which are folded into the first layer after training."""

    mean: Floats
    scale: Floats

    def __call__(self, vector: Floats) -> Floats:
        """Standardised vectors."""
        return (vector - self.mean) / self.scale

    def fold(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Weights of shape (width, n_out) and bias that do on raw vectors what these do on standardised ones."""
        raw = weight / self.scale[:, np.newaxis]
        return raw, bias - self.mean @ raw


def standard(vector: Floats) -> Standard:
    """Mean and scale per feature."""
    return Standard(vector.mean(axis=0), np.maximum(vector.std(axis=0), LEAST_SCALE))


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train."""

    epochs: int = 8
    rate: float = 1e-3
    decay: float = 0.1


def descend(
    make: Callable[[], nn.Module],
    loss: Loss,
    data: TrainingSet,
    schedule: Schedule,
    *,
    by_source: bool = False,
) -> tuple[nn.Module, Standard]:
    """Train a module from standardised vectors to what the loss compares with scores.

    Args:
        make: Makes the module; called under the seed.
        loss: From outputs and scores (NaN where not measured) of a batch to a scalar.
        data: Training prompts.
        schedule: Epochs, peak rate and weight decay.
        by_source: Whether every batch holds prompts of one source only.

    Returns:
        The trained module, without dropout, and how its inputs were standardised.
    """
    scaled = standard(data.vector)
    x, y = torch.tensor(scaled(data.vector), dtype=torch.float32), torch.tensor(data.score, dtype=torch.float32)
    with torch.random.fork_rng(), _one_thread():
        torch.manual_seed(data.seed)
        module = make().train()
        rng = np.random.default_rng(data.seed)
        plan = list(_plan(data, schedule.epochs, rng, by_source))
        optimiser = torch.optim.AdamW(module.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
        pace = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=schedule.rate, total_steps=len(plan) + 1, pct_start=0.15
        )
        for batch in plan:
            value = loss(module(x[batch]), y[batch])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            pace.step()
    return module.eval(), scaled


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: for modules this small more only wait for each other, and sums could differ by their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _plan(data: TrainingSet, epochs: int, rng: np.random.Generator, by_source: bool) -> Iterator[Tensor]:
    """Batches of all epochs."""
    done = 0
    while epochs > 0 or done < FEWEST_STEPS:
        for batch in _batches(data, rng, by_source):
            done += 1
            yield batch
        epochs -= 1


def _batches(data: TrainingSet, rng: np.random.Generator, by_source: bool) -> Iterator[Tensor]:
    """Batches of one epoch in random order."""
    count = len(data.source)
    groups = [data.rows_of(s) for s in np.unique(data.source)] if by_source else [np.arange(count)]
    parts = [
        part for group in groups for part in np.array_split(rng.permutation(group), max(1, round(len(group) / BATCH)))
    ]
    for i in rng.permutation(len(parts)):
        yield torch.from_numpy(parts[i])


def masked_cross_entropy(logits: Tensor, score: Tensor) -> Tensor:
    """Binary cross-entropy on what was measured; a prompt counts by the root of the number of its measurements."""
    known = ~torch.isnan(score)
    truth = torch.nan_to_num(score)
    weight = known / known.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
    level = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (level * weight).sum() / len(logits)


def array(values: Tensor) -> Floats:
    """The same numbers as an array in double precision."""
    return np.asarray(values.detach().numpy(), dtype=np.float64)
