"""Train a router from a folder of outcomes and write it as one graph with tokenizer, card, pools and sample."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from routing.encoder import CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, golden_of
from routing.runtime import open_session
from routing.sample import SAMPLE_FILE, save_sample
from routing.training.assemble import Say, fit_router
from routing.training.calibrate import ROUNDS, interval_growth
from routing.training.card import SENTENCE, build_card
from routing.training.delivery import held_out_sample, judge, publish
from routing.training.fitted import Fitted
from routing.training.graph import export_heads, join, run_heads
from routing.training.heads import Heads
from routing.training.methods import training_set, write_methods
from routing.training.methods.glider_cards import write_cards
from routing.training.methods.language import language_of
from routing.training.prepared import FORM, Form, Prepared, prepare
from routing.training.weights import encoder_folder

__all__ = ["Prepared", "fit", "prepare", "train"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A router that is fitted but not yet written: its graph, and what its heads say of every prompt."""

    graph: onnx.ModelProto
    outputs: dict[str, NDArray[np.float32]]


def train(
    data: Path,
    out: Path,
    *,
    extra_outcomes: Path | None = None,
    form: Form = FORM,
    progress: Callable[[str], None] = lambda _: None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Fit the router on the training split, calibrate it on validation, and write its files.

    All data is checked before anything is fitted, and files appear in ``out`` only when all of them are complete.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet.
        out: Folder for the graph, its tokenizer, its card, pools.json and sample.npz.
        extra_outcomes: More outcomes on the same prompts; their experts are predicted however few they are.
        form: "a" leaves the encoder as it is, "b" tunes it with the heads first.
        progress: Told what is being done.
        cache: Folder for encoded prompts; None means the user's cache folder.

    Returns:
        The router card.

    Raises:
        DataError: The data cannot be trained on; nothing was written.
        WeightsError: The encoder's weights are missing or not the official ones.
    """
    ready = prepare(data, extra_outcomes=extra_outcomes, cache=cache, form=form, progress=progress)
    trained = fit(ready, progress)
    with tempfile.TemporaryDirectory(dir=out if out.is_dir() else None) as made:
        where = Path(made)
        shutil.copy(encoder_folder() / TOKENIZER_FILE, where / TOKENIZER_FILE)
        card = write(where, ready, trained)
        card["methods_sha256"] = methods(where, ready, progress, earlier=out)
        (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        card["measures"] = judge(data, where, ready.outcomes, progress)
        (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        publish(where, out)
    progress(f"Written to {out}")
    return card


def fit(ready: Prepared, progress: Say) -> Trained:
    """Fit, calibrate on validation prompts, and join encoder and heads."""
    table, encoded, outcomes = ready.table, ready.encoded, ready.outcomes
    fitted = fit_router(table, encoded, ready.forms, outcomes.rows("train"), progress)
    progress("Calibrating intervals on validation prompts")
    fitted = calibrated(fitted, ready)
    heads = export_heads(Heads(fitted))
    return Trained(join(ready.encoder, heads), run_heads(heads, encoded.vector, encoded.pooled, ready.ids))


def methods(where: Path, ready: Prepared, progress: Say, *, earlier: Path) -> str:
    """Fit the methods that are not part of the graph, and write them and the instruction cards beside it.

    Cards that a person or an LLM wrote in the folder ``earlier`` are kept. Returns the SHA-256 of the methods' file.
    """
    prompts = ready.outcomes.prompts
    data = training_set(
        ready.table,
        ready.encoded,
        ready.ids,
        prompts["task"].to_numpy(dtype=object),
        ready.outcomes.rows("train"),
        n_pieces=len(ready.forms),
        language=language_of(ready.encoder, ready.tokenizer),
        domain=prompts["domain"].to_numpy(dtype=object),
    )
    write_cards(data, where, earlier=earlier)
    return write_methods(data, ready.table, where, progress=progress)


def calibrated(fitted: Fitted, ready: Prepared) -> Fitted:
    """The same router with intervals that cover as stated on validation prompts."""
    rows = ready.outcomes.rows("validation")
    vector, pooled, ids = ready.encoded.vector[rows], ready.encoded.pooled[rows], [ready.ids[row] for row in rows]
    task = ready.outcomes.prompts["task"].to_numpy(dtype=object)[rows]
    for _ in range(ROUNDS):
        told = run_heads(export_heads(Heads(fitted)), vector, pooled, ids)
        growth = interval_growth(ready.table, told, vector, rows, task)
        fitted = replace(fitted, spread=fitted.spread * growth)
    return fitted


def write(where: Path, ready: Prepared, trained: Trained) -> dict[str, Any]:
    """Write graph, card and sample into a folder that holds the tokenizer already; returns the card."""
    content = trained.graph.SerializeToString()
    (where / GRAPH_FILE).write_bytes(content)
    outcomes, encoded = ready.outcomes, ready.encoded
    card = build_card(
        outcomes,
        ready.table,
        graph=content,
        tokenizer=(where / TOKENIZER_FILE).read_bytes(),
        golden=golden_of(open_session(content), ready.tokenizer, SENTENCE),
        input_tokens=encoded.tokens,
        familiarity=trained.outputs["familiarity"][outcomes.rows("validation")],
        form=ready.form,
    )
    card["tuning"] = [[seen.prompts, round(seen.score_loss, 5)] for seen in ready.tuning]
    (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    save_sample(held_out_sample(where, outcomes, ready.table, trained.outputs, encoded), where / SAMPLE_FILE)
    return card
