"""What every fit starts from: checked outcomes, the encoder of the wanted form, and all prompts encoded with it."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from routing.encoder import TOKENIZER_FILE, tokenise
from routing.outcomes import Outcomes, assign_splits, experts_of, measured_together, read, read_pools
from routing.training import finetune
from routing.training.assemble import Scaled
from routing.training.features import Encoded, cache_folder, encode_prompts, form_table
from routing.training.perceptive import fit_perceptive
from routing.training.tables import Table, build_table
from routing.training.weights import encoder_folder, export_encoder

Form = Literal["a", "b"]
"""The perceptive router's forms: heads on a frozen encoder, or an encoder fine-tuned with its heads (systems.md 1)."""
FORM: Final[Form] = "a"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a fit needs.

    Args:
        outcomes: The data, with splits.
        table: Its outcomes by measurement.
        encoder: The quantised encoder as a graph.
        tokenizer: Its tokenizer.
        encoded: Features of all prompts.
        ids: Word pieces read of all prompts.
        forms: Classes of form per word piece.
        form: "a" for the frozen encoder, "b" for the fine-tuned one.
        tuning: Validation losses while the encoder was tuned; empty for form a.
    """

    outcomes: Outcomes
    table: Table
    encoder: onnx.ModelProto
    tokenizer: Tokenizer
    encoded: Encoded
    ids: list[list[int]]
    forms: NDArray[np.uint8]
    form: Form
    tuning: tuple[finetune.Check, ...] = ()


def prepare(
    data: Path,
    *,
    outcomes: Outcomes | None = None,
    extra_outcomes: Path | None = None,
    cache: Path | None = None,
    form: Form = FORM,
    progress: Say = lambda _: None,
) -> Prepared:
    """Check the data, and encode its prompts with the encoder of the wanted form.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet.
        outcomes: The same data where it is in memory already, with ``extra_outcomes`` in it.
        extra_outcomes: More outcomes on the same prompts; their experts are predicted however few they are.
        cache: Folder for encoded prompts and the tuned encoder; None means the user's cache folder.
        form: Whether the encoder stays as it is ("a") or is tuned with the heads first ("b": about an hour).
        progress: Told what is being done.

    Raises:
        DataError: The data cannot be trained on.
        WeightsError: The encoder's weights are missing or not the official ones.
    """
    known = outcomes or assign_splits(read(data, extra=extra_outcomes))
    for members in read_pools(data).values():
        measured_together(known, members)
    table = build_table(known, extra_experts=experts_of(extra_outcomes))
    progress(
        f"{len(table.experts)} experts in {len(table.sources)} sources, {np.isfinite(table.score).sum():,} outcomes"
    )
    torch.manual_seed(0)
    folder, kept = encoder_folder(), cache or cache_folder()
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True)
    progress("Exporting and quantising the encoder")
    texts = list(known.prompts["text"])
    encoder = export_encoder(bert)
    encoded = encode_prompts(encoder, tokenizer, texts, cache=kept, progress=progress)
    ids, _ = tokenise(tokenizer, texts)
    tuning: tuple[finetune.Check, ...] = ()
    if form == "b":
        bert, tuning = tuned(bert, known, table, encoded, ids, kept, progress)
        encoder = export_encoder(bert)
        encoded = encode_prompts(encoder, tokenizer, texts, cache=kept, progress=progress)
    return Prepared(known, table, encoder, tokenizer, encoded, ids, form_table(tokenizer), form, tuning)


def tuned(
    bert: nn.Module,
    outcomes: Outcomes,
    table: Table,
    encoded: Encoded,
    ids: list[list[int]],
    cache: Path,
    progress: Say,
) -> tuple[nn.Module, tuple[finetune.Check, ...]]:
    """The encoder tuned on training prompts, from the cache where data and settings are the same as before."""
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
        return bert.eval(), tuple(finetune.Check(*row) for row in stored["checks"])
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
    return found, checks
