"""The perceptive router: one network over all sources and experts, trained by masked loss (systems.md 1, form a)."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.schema import Floats
from routing.training.fits import Linear
from routing.training.fitted import Network

HIDDEN: Final = 256
EPOCHS: Final = 8
BATCH: Final = 256
FEWEST_STEPS: Final = 16  # per epoch, where there are fewer prompts than that many batches hold
RATE: Final = 1e-3
DECAY: Final = 0.1
DROPOUT: Final = 0.5
INPUT_DROPOUT: Final = 0.4
CENTRED_SHARE: Final = 1.0


class Perceptive(nn.Module):  # type: ignore[misc]
    """Features to one logit per measurement, through one hidden layer.

    Args:
        base: Logit of the mean training score per column; training starts from it.
        width: Number of features.
    """

    def __init__(self, base: Tensor, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, HIDDEN)
        self.out = nn.Linear(HIDDEN, len(base))
        self.drop_in = nn.Dropout(INPUT_DROPOUT)
        self.drop = nn.Dropout(DROPOUT)
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():
            self.out.bias.copy_(base)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_columns)."""
        logits: Tensor = self.out(self.drop(nn.functional.gelu(self.hidden(self.drop_in(x)), approximate="tanh")))
        return logits


def masked_loss(logits: Tensor, score: Tensor) -> Tensor:
    """Cross-entropy on what was measured, plus squared error of the differences between experts on a prompt.

    A prompt counts by the root of the number of its measurements. The second term is what choosing needs: it is
    blind to an error that all experts of a prompt share.

    Args:
        logits: Shape (batch, n_columns).
        score: Same shape, NaN where not measured.
    """
    known = ~torch.isnan(score)
    truth = torch.nan_to_num(score)
    count = known.sum(dim=1, keepdim=True).clamp(min=1).to(logits.dtype)
    weight = known.to(logits.dtype) / count.sqrt()
    level = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    gap = (torch.sigmoid(logits) - truth) * known
    centred = (gap - gap.sum(dim=1, keepdim=True) / count) * known
    return ((level + CENTRED_SHARE * centred**2) * weight).sum() / len(logits)


def fit_perceptive(
    x: NDArray[np.float32], score: Floats, *, seed: int, progress: Callable[[str], None] = lambda _: None
) -> Perceptive:
    """Train the network; the same seed gives the same network.

    Args:
        x: Features, shape (n_rows, n_features), about unit variance.
        score: Scores, shape (n_rows, n_columns), NaN where not measured.
        seed: Seed of initial weights, order and dropout.
        progress: Told the loss of every epoch.
    """
    torch.manual_seed(seed)
    mean = np.clip(np.nanmean(score, axis=0), 0.02, 0.98)
    net = Perceptive(torch.tensor(np.log(mean / (1 - mean)), dtype=torch.float32), x.shape[1])
    rows, truth = torch.from_numpy(np.ascontiguousarray(x)), torch.tensor(score, dtype=torch.float32)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    size = min(BATCH, max(1, len(rows) // FEWEST_STEPS))
    steps = EPOCHS * (len(rows) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=RATE, total_steps=max(1, steps) + 1, pct_start=0.15
    )
    for epoch in range(EPOCHS):
        net.train()
        order, total = torch.randperm(len(rows)), 0.0
        for start in range(0, len(rows) - size + 1, size):
            batch = order[start : start + size]
            loss = masked_loss(net(rows[batch]), truth[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        progress(f"Network, seed {seed}, epoch {epoch + 1} of {EPOCHS}: loss {total / max(1, steps // EPOCHS):.4f}")
    net.eval()
    return net


def as_arrays(net: Perceptive, columns: int) -> Network:
    """The network for use, with the first so many of its columns."""
    first = Linear(_array(net.hidden.weight).T, _array(net.hidden.bias))
    return Network(first, Linear(_array(net.out.weight)[:columns].T, _array(net.out.bias)[:columns]))


def _array(values: Tensor) -> Floats:
    return np.asarray(values.detach().numpy(), dtype=np.float64)
