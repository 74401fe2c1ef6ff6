"""Form b of the perceptive router: the encoder fine-tuned end to end with the heads of all measurements.

The heads start from a perceptive network that was fitted on the frozen encoder, so the first gradients that reach the
encoder come from heads that know their work (linear probing, then fine-tuning: Kumar et al. 2022, arXiv:2202.10054).
Word embeddings stay as they are: most word pieces are seen too rarely to be moved with sense.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.schema import Floats
from routing.training.perceptive import DROPOUT, INPUT_DROPOUT, Perceptive, masked_loss
from routing.training.pooled import PooledEncoder
from routing.training.tables import IntArray

END_TOKENS: Final = 64  # read at each end: half of what the shipped encoder reads, in less than half the time
BATCH: Final = 64
BUCKET: Final = 40  # batches sorted by length together, so that little is padding
STEP: Final = 16  # widths are multiples of this: every new shape of a batch costs memory that is not given back
PASSES: Final = 1
RATE: Final = 3e-5
HEAD_RATE: Final = 1e-4
TOKENS_RATE: Final = 2e-3
DECAY: Final = 0.01
WARM_SHARE: Final = 0.06
TOKENS_SHARE: Final = 0.3  # of the loss on output tokens beside that on scores
HIDDEN_DROPOUT: Final = 0.1
HEAD_DROPOUT: Final = (INPUT_DROPOUT, DROPOUT)  # as on the frozen encoder: with less, the heads overfit in a pass
CHECKS: Final = 4  # validations and checkpoints per pass
PATIENCE: Final = 4  # checks without a better validation loss after which tuning stops

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the encoder is tuned on; all arrays have one row a prompt.

    Args:
        ids: Token ids to read, any length; the two ends are cut out here.
        form: Form features before scaling, shape (n_prompts, n_form).
        mean: Mean of the raw features [vector, pooled, form] of the frozen encoder.
        scale: Their standard deviation.
        score: Scores per column, NaN where not measured, helpers included.
        tokens: Output tokens per column, NaN where not measured.
        train: Rows to learn from.
        validation: Rows that decide when to stop.
    """

    ids: Sequence[Sequence[int]]
    form: NDArray[np.float32]
    mean: Floats
    scale: Floats
    score: Floats
    tokens: Floats
    train: IntArray
    validation: IntArray


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the validation split: prompts learnt from so far, and the losses there."""

    prompts: int
    score_loss: float
    tokens_loss: float


class Tuned(nn.Module):  # type: ignore[misc]
    """Encoder, perceptive network and a head for output tokens as one network.

    Args:
        bert: The encoder.
        net: Perceptive network fitted on the frozen encoder's features.
        lesson: Supplies the scaling of features and the mean log length per column.
    """

    def __init__(self, bert: nn.Module, net: Perceptive, lesson: Lesson) -> None:
        super().__init__()
        self.encoder = PooledEncoder(bert)
        self.net = net
        net.drop_in.p, net.drop.p = HEAD_DROPOUT
        for name, part in bert.named_modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0 if name.endswith("attention.self.dropout") else HIDDEN_DROPOUT
        self.tokens = nn.Linear(len(lesson.mean), lesson.tokens.shape[1])
        nn.init.zeros_(self.tokens.weight)
        with torch.no_grad():
            self.tokens.bias.copy_(torch.tensor(_usual_length(lesson), dtype=torch.float32))
        self.register_buffer("mean", torch.tensor(lesson.mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(lesson.scale, dtype=torch.float32))

    def forward(self, ids: Tensor, mask: Tensor, form: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of scores and logs of output tokens, both of shape (batch, n_columns)."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_half_fast()):
            vector, pooled, *_ = self.encoder(ids, mask)
        raw = torch.cat([vector.float(), pooled.float(), form], dim=1)
        x = ((raw - self.mean) / self.scale).clamp(-5.0, 5.0)
        return self.net(x), self.tokens(self.net.drop_in(x))


def settings() -> tuple[float, ...]:
    """Everything that decides what tuning gives, so that a result kept from earlier can be recognised."""
    rates = (RATE, HEAD_RATE, TOKENS_RATE, DECAY, WARM_SHARE, TOKENS_SHARE)
    return (END_TOKENS, BATCH, BUCKET, PASSES, *rates, HIDDEN_DROPOUT, *HEAD_DROPOUT, CHECKS, PATIENCE)


def is_half_fast() -> bool:
    """Whether this processor multiplies in bfloat16 by itself, which makes tuning two to three times faster."""
    return bool(torch.cpu._is_avx512_bf16_supported())


def tune(
    bert: nn.Module,
    net: Perceptive,
    lesson: Lesson,
    *,
    passes: float = PASSES,
    seed: int = 0,
    keep: Path | None = None,
    progress: Say = lambda _: None,
) -> tuple[nn.Module, tuple[Check, ...]]:
    """Tune the encoder with the heads, and give back its state with the least validation loss.

    Args:
        bert: The encoder; it is not changed.
        net: Where the heads start.
        lesson: What to learn.
        passes: Times every prompt is seen; the learning rate falls to zero over them.
        seed: Seed of order and dropout.
        keep: Folder for a checkpoint at every check; None keeps nothing.
        progress: Told how far it is.

    Returns:
        The tuned encoder and the validation losses over time.
    """
    torch.manual_seed(seed)
    both = Tuned(copy.deepcopy(bert), copy.deepcopy(net), lesson)
    both.encoder.bert.get_input_embeddings().weight.requires_grad_(False)
    batches = [rows for turn in range(int(np.ceil(passes))) for rows in _batches(lesson, seed + 1000 * turn)]
    batches = batches[: max(1, round(passes * len(lesson.train) / BATCH))]
    optimiser = _optimiser(both)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, len(batches)))
    every = max(1, round(len(lesson.train) / BATCH / CHECKS))
    best, checks = copy.deepcopy(both.encoder.bert.state_dict()), [check(both, lesson, 0)]
    progress(f"Validation loss before tuning: {checks[0].score_loss:.4f}, tokens {checks[0].tokens_loss:.4f}")
    running = 0.0
    for step, rows in enumerate(batches, start=1):
        both.train()
        loss = sum(_losses(both, lesson, rows))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = float(loss.detach()) if step == 1 else 0.98 * running + 0.02 * float(loss.detach())
        if step % 20 == 0:
            progress(f"Tuning: step {step} of {len(batches)}, loss {running:.4f}")
        if step % every == 0 or step == len(batches):
            checks.append(check(both, lesson, step * BATCH))
            progress(f"Validation loss after {step * BATCH:,} prompts: {checks[-1].score_loss:.4f}")
            _keep(both, checks, keep)
            if checks[-1].score_loss <= min(seen.score_loss for seen in checks):
                best = copy.deepcopy(both.encoder.bert.state_dict())
            elif np.argmin([seen.score_loss for seen in checks]) < len(checks) - PATIENCE:
                break
    both.encoder.bert.load_state_dict(best)
    return both.encoder.bert.eval(), tuple(checks)


def check(both: Tuned, lesson: Lesson, prompts: int) -> Check:
    """Losses on the validation split."""
    both.eval()
    total, rows = np.zeros(2), _by_length(lesson, lesson.validation)
    with torch.no_grad():
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            total += len(part) * np.array([float(loss) for loss in _losses(both, lesson, part)])
    score, tokens = total / max(1, len(rows))
    return Check(prompts, float(score), float(tokens) / TOKENS_SHARE)


def _losses(both: Tuned, lesson: Lesson, rows: IntArray) -> tuple[Tensor, Tensor]:
    ids, mask = _padded(lesson, rows)
    logits, lengths = both(ids, mask, torch.from_numpy(lesson.form[rows]))
    score = masked_loss(logits, torch.tensor(lesson.score[rows], dtype=torch.float32))
    truth = torch.log1p(torch.tensor(lesson.tokens[rows], dtype=torch.float32))
    known = ~torch.isnan(truth)
    gap = nn.functional.smooth_l1_loss(lengths, torch.nan_to_num(truth), reduction="none") * known
    share = known.sum(dim=1, keepdim=True).clamp(min=1)
    return score, TOKENS_SHARE * (gap / share).sum() / len(rows)


def _padded(lesson: Lesson, rows: IntArray) -> tuple[Tensor, Tensor]:
    kept = [_ends(lesson.ids[row]) for row in rows]
    width = -(-max(len(row) for row in kept) // STEP) * STEP
    ids = torch.zeros(len(kept), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(kept):
        ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
    return ids, mask


def _ends(ids: Sequence[int]) -> list[int]:
    return list(ids) if len(ids) <= 2 * END_TOKENS else [*ids[:END_TOKENS], *ids[-END_TOKENS:]]


def _by_length(lesson: Lesson, rows: IntArray) -> IntArray:
    return np.asarray(rows[np.argsort([min(2 * END_TOKENS, len(lesson.ids[row])) for row in rows], kind="stable")])


def _batches(lesson: Lesson, seed: int) -> Iterator[IntArray]:
    """Rows of one pass in batches of about equal length, in random order; every call with a seed is the same."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(lesson.train)
    for start in range(0, len(order), BATCH * BUCKET):
        rows = _by_length(lesson, order[start : start + BATCH * BUCKET])
        parts = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
        yield from (parts[i] for i in rng.permutation(len(parts)))


def _usual_length(lesson: Lesson) -> Floats:
    tokens = np.log1p(lesson.tokens[lesson.train])
    known = np.isfinite(tokens)
    return np.asarray(np.where(known, tokens, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0)))


def _optimiser(both: Tuned) -> torch.optim.Optimizer:
    moving = [weight for weight in both.encoder.parameters() if weight.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in moving if weight.ndim > 1], "lr": RATE, "weight_decay": DECAY},
        {"params": [weight for weight in moving if weight.ndim <= 1], "lr": RATE, "weight_decay": 0.0},
        {"params": both.net.parameters(), "lr": HEAD_RATE, "weight_decay": 0.1},
        {"params": both.tokens.parameters(), "lr": TOKENS_RATE, "weight_decay": 0.1},
    ]
    return torch.optim.AdamW(groups)


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then a straight fall to zero."""
    return min((step + 1) / max(1.0, WARM_SHARE * steps), max(0.0, (steps - step) / ((1.0 - WARM_SHARE) * steps)))


def _keep(both: Tuned, checks: Sequence[Check], folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        states = {"encoder": both.encoder.bert.state_dict(), "net": both.net.state_dict()}
        torch.save(states, folder / f"{len(checks) - 1}.pt")
