"""What every fit starts from: checked outcomes, the encoder of the wanted form, and all prompts encoded with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from routing.catalog import ASSETS
from routing.outcomes import Outcomes, assign_splits, experts_of, measured_together, read, read_pools
from routing.training.features import Encoded, cache_folder, encode_prompts, form_table
from routing.training.start import Start, from_router, from_weights, has_torch
from routing.training.tables import USUAL, Fewest, Table, build_table

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
        start: The encoder with its tokenizer.
        tokenizer: The same tokenizer, open.
        encoded: Features of all prompts.
        ids: Word pieces read of all prompts.
        forms: Classes of form per word piece.
        form: "a" for the frozen encoder, "b" for the fine-tuned one.
        tuning: Prompts and validation losses while the encoder was tuned; empty for form a.
    """

    outcomes: Outcomes
    table: Table
    start: Start
    tokenizer: Tokenizer
    encoded: Encoded
    ids: list[list[int]]
    forms: NDArray[np.uint8]
    form: Form
    tuning: tuple[tuple[int, float], ...] = ()


def prepare(
    data: Path,
    *,
    outcomes: Outcomes | None = None,
    extra_outcomes: Path | None = None,
    cache: Path | None = None,
    form: Form = FORM,
    fewest: Fewest = USUAL,
    start: Callable[[], Start] | None = None,
    progress: Say = lambda _: None,
) -> Prepared:
    """Check the data, and encode its prompts with the encoder of the wanted form.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet.
        outcomes: The same data where it is in memory already, with ``extra_outcomes`` in it.
        extra_outcomes: More outcomes on the same prompts; their experts are predicted however few they are.
        cache: Folder for encoded prompts and the tuned encoder; None means the user's cache folder.
        form: Whether the encoder stays as it is ("a") or is tuned with the heads first ("b": about an hour).
        fewest: Outcomes below which experts and measurements are left out.
        start: Opens the encoder once the data is checked; None means ``usual_start``.
        progress: Told what is being done.

    Raises:
        DataError: The data cannot be trained on.
        WeightsError: The encoder's weights are missing or not the official ones.
        GraphError: The router that the encoder is cut out of is damaged.
    """
    known = outcomes or assign_splits(read(data, extra=extra_outcomes))
    for members in read_pools(data).values():
        measured_together(known, members)
    table = build_table(known, extra_experts=experts_of(extra_outcomes), fewest=fewest)
    progress(
        f"{len(table.experts)} experts in {len(table.sources)} sources, {np.isfinite(table.score).sum():,} outcomes"
    )
    opened, kept = (start or usual_start)(), cache or cache_folder()
    tokenizer = opened.tokenizer()
    texts = list(known.prompts["text"])
    encoded = encode_prompts(opened.graph, tokenizer, texts, cache=kept, progress=progress)
    ready = Prepared(known, table, opened, tokenizer, encoded, encoded.ids, form_table(tokenizer), form)
    return ready if form == "a" else _tuned(ready, kept, progress)


def usual_start() -> Start:
    """The official encoder where torch is there, else the one inside the shipped router."""
    return from_weights() if has_torch() else from_router(ASSETS)


def _tuned(ready: Prepared, cache: Path, progress: Say) -> Prepared:
    """The same with the encoder tuned first."""
    from routing.training.tuned import tuned_encoder

    graph, losses = tuned_encoder(ready.outcomes, ready.table, ready.encoded, ready.ids, cache, progress)
    texts = list(ready.outcomes.prompts["text"])
    encoded = encode_prompts(graph, ready.tokenizer, texts, cache=cache, progress=progress)
    return replace(ready, start=replace(ready.start, graph=graph), encoded=encoded, tuning=losses)
