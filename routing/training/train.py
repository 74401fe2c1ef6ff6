"""Train a router from a folder of outcomes and write it as one graph with tokenizer, card, pools and sample."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from routing.catalog import EXPERTS_CSV
from routing.encoder import CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, golden_of
from routing.predictors import DEFAULT, PROMPT_BLIND, control
from routing.runtime import open_session
from routing.sample import SAMPLE_FILE, save_sample
from routing.training.assemble import BLEND, Say, fit_router
from routing.training.blend import fitted_blend
from routing.training.calibrate import ROUNDS, interval_growth
from routing.training.card import SENTENCE, build_card
from routing.training.delivery import held_out_sample, judge, publish, write_experts
from routing.training.fitted import Fitted
from routing.training.graph import export_heads, join, run_heads
from routing.training.prepared import FORM, Form, Prepared, prepare
from routing.training.start import has_torch
from routing.training.tables import USUAL, Fewest
from routing.word_pieces import WordPieceReader

__all__ = ["Prepared", "fit", "prepare", "train"]

LEFT_OUT: Final = (
    "torch is not installed, so the network is left out of the graph, and the methods beside it are not fitted; "
    "`make setup-train` installs it"
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A router that is fitted but not yet written.

    Args:
        graph: The encoder with all heads.
        blend: Weight of every method in the graph.
        outputs: What its heads say of every prompt.
    """

    graph: onnx.ModelProto
    blend: Mapping[str, float]
    outputs: dict[str, NDArray[np.float32]]


def train(
    data: Path,
    out: Path,
    *,
    extra_outcomes: Path | None = None,
    form: Form = FORM,
    fewest: Fewest = USUAL,
    progress: Callable[[str], None] = lambda _: None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Fit the router on the training split, calibrate it on validation, and write its files.

    All data is checked before anything is fitted, and files appear in ``out`` only when all of them are complete.
    Without torch there is no network and no method beside the graph, and the blend is weighed on validation prompts.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet.
        out: Folder for the graph, its tokenizer, its card, pools.json and sample.npz.
        extra_outcomes: More outcomes on the same prompts; their experts are predicted however few they are.
        form: "a" leaves the encoder as it is, "b" tunes it with the heads first.
        fewest: Outcomes below which experts and measurements are left out.
        progress: Told what is being done.
        cache: Folder for encoded prompts; None means the user's cache folder.

    Returns:
        The router card.

    Raises:
        DataError: The data cannot be trained on; nothing was written.
        WeightsError: The encoder's weights are missing or not the official ones.
    """
    is_whole = has_torch()
    if not is_whole:
        progress(f"Note: {LEFT_OUT}")
    ready = prepare(
        data, extra_outcomes=extra_outcomes, cache=cache, form=form, fewest=fewest, progress=progress
    )  # fmt: skip
    trained = fit(ready, progress, blend=BLEND if is_whole else None)
    with tempfile.TemporaryDirectory(dir=out if out.is_dir() else None) as made:
        where = Path(made)
        card = write(where, ready, trained)
        if is_whole:
            card["methods_sha256"] = methods(where, ready, progress, earlier=out)
            card.pop("methods")  # all there are
        save_card(where, card)
        card["measures"] = judge(data, where, ready.outcomes, progress)
        save_card(where, card)
        if not (out / EXPERTS_CSV.name).exists():
            write_experts(where, ready.table.experts)
        publish(where, out)
    progress(f"Written to {out}")
    return card


def fit(ready: Prepared, progress: Say, *, blend: Mapping[str, float] | None = BLEND) -> Trained:
    """Fit, weigh the blend and calibrate intervals on validation prompts, and join encoder and heads.

    Args:
        ready: Data and features.
        progress: Told what is being done.
        blend: Weights of the methods; None finds them on validation prompts.
    """
    table, encoded, outcomes = ready.table, ready.encoded, ready.outcomes
    fitted = fit_router(table, encoded, ready.forms, outcomes.rows("train"), progress)
    if blend is None:
        progress("Weighing the methods on validation prompts")
        fitted = replace(fitted, blend=fitted_blend(*_on_validation(fitted, ready)))
    progress("Calibrating intervals on validation prompts")
    fitted = calibrated(fitted, ready)
    outputs = run_heads(export_heads(fitted), encoded.vector, encoded.pooled, ready.ids)
    return Trained(join(ready.start.graph, fitted), dict(fitted.blend), outputs)


def _on_validation(fitted: Fitted, ready: Prepared) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float64]]:
    """What every method says of validation prompts, by its name, and their measured scores."""
    rows, encoded = ready.outcomes.rows("validation"), ready.encoded
    told = run_heads(export_heads(fitted), encoded.vector[rows], encoded.pooled[rows], [ready.ids[row] for row in rows])
    return {name: told[f"score_{name}"] for name in fitted.blend}, ready.outcomes.matrix("score", ready.table.experts)[
        rows
    ]


def methods(where: Path, ready: Prepared, progress: Say, *, earlier: Path) -> str:
    """Fit the methods that are not part of the graph, and write them and the instruction cards beside it.

    Cards that a person or an LLM wrote in the folder ``earlier`` are kept. Returns the SHA-256 of the methods' file.
    """
    from routing.training.methods import training_set, write_methods
    from routing.training.methods.glider_cards import write_cards
    from routing.training.methods.language import language_of

    prompts = ready.outcomes.prompts
    data = training_set(
        ready.table,
        ready.encoded,
        ready.ids,
        prompts["task"].to_numpy(dtype=object),
        ready.outcomes.rows("train"),
        n_pieces=len(ready.forms),
        language=language_of(ready.start.graph, ready.tokenizer),
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
        told = run_heads(export_heads(fitted), vector, pooled, ids)
        growth = interval_growth(ready.table, told, vector, rows, task)
        fitted = replace(fitted, spread=fitted.spread * growth)
    return fitted


def write(where: Path, ready: Prepared, trained: Trained) -> dict[str, Any]:
    """Write graph, tokenizer, card and sample into a folder; returns the card."""
    content = trained.graph.SerializeToString()
    (where / GRAPH_FILE).write_bytes(content)
    shutil.copy(ready.start.tokenizer_file, where / TOKENIZER_FILE)
    card = build_card(
        ready,
        graph=content,
        golden=golden_of(open_session(content), WordPieceReader(ready.tokenizer), SENTENCE),
        blend=trained.blend,
        familiarity=trained.outputs["familiarity"][ready.outcomes.rows("validation")],
    )
    card["methods"] = [DEFAULT, *reversed(list(trained.blend)), PROMPT_BLIND, control.NAME]
    save_card(where, card)
    sample = held_out_sample(where, ready.outcomes, ready.table, trained.outputs, ready.encoded)
    save_sample(sample, where / SAMPLE_FILE)
    return card


def save_card(where: Path, card: Mapping[str, Any]) -> None:
    """Write the router card."""
    (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
