"""Form b: the encoder tuned on training prompts before it encodes them, from the cache where it was tuned before."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from transformers import AutoModel

from routing.outcomes import Outcomes
from routing.training import finetune
from routing.training.features import Encoded
from routing.training.perceptive import fit_perceptive
from routing.training.pooled import export_encoder
from routing.training.scaled import Scaled
from routing.training.tables import Table
from routing.training.weights import encoder_folder

Losses = tuple[tuple[int, float], ...]
"""Prompts learnt from, and the validation loss over scores then."""


def open_bert() -> nn.Module:
    """The official encoder as a torch module.

    Raises:
        WeightsError: Its weights are missing or not the official ones.
    """
    torch.manual_seed(0)
    bert: nn.Module = AutoModel.from_pretrained(encoder_folder(), attn_implementation="eager", local_files_only=True)
    return bert


def tuned_encoder(
    outcomes: Outcomes,
    table: Table,
    encoded: Encoded,
    ids: list[list[int]],
    cache: Path,
    progress: Callable[[str], None],
) -> tuple[onnx.ModelProto, Losses]:
    """The tuned encoder as a graph, and how its validation loss went.

    Args:
        outcomes: The data, with splits.
        table: Its outcomes by measurement.
        encoded: Features of all prompts by the encoder as it was.
        ids: Word pieces read of all prompts.
        cache: Where the tuned encoder is kept, under a hash of data and settings.
        progress: Told how tuning goes.
    """
    bert = open_bert()
    score = np.concatenate([table.score, table.helper], axis=1)
    usable = np.isfinite(score).any(axis=1) & (table.source >= 0)
    train, validation = (rows[usable[rows]] for rows in (outcomes.rows("train"), outcomes.rows("validation")))
    digest = sha256(encoded.vector.tobytes() + np.nan_to_num(score, nan=-1.0).tobytes() + train.tobytes())
    digest.update(repr(finetune.settings()).encode())
    kept = cache / f"tuned-{digest.hexdigest()[:24]}.pt"
    if kept.exists():
        progress("The tuned encoder was found in the cache")
        stored = torch.load(kept, weights_only=True)
        bert.load_state_dict(stored["encoder"])
        return export_encoder(bert.eval()), tuple((row[0], row[1]) for row in stored["checks"])
    features = Scaled(encoded, train)
    net = fit_perceptive(features.x[train], score[train], seed=0, progress=progress)
    lesson = finetune.Lesson(
        ids=ids,
        form=encoded.form(),
        mean=features.mean,
        scale=features.scale,
        score=score,
        tokens=table.output_tokens,
        train=train,
        validation=validation,
    )
    found, checks = finetune.tune(bert, net, lesson, progress=progress)
    rows = [(seen.prompts, seen.score_loss, seen.tokens_loss) for seen in checks]
    torch.save({"encoder": found.state_dict(), "checks": rows}, kept)
    return export_encoder(found), tuple((seen.prompts, seen.score_loss) for seen in checks)
