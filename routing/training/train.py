"""Train a router from a folder of outcomes and write it as one graph with tokenizer, card, pools and sample."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

from routing import predictors
from routing.catalog import EXPERTS_CSV, load_catalog
from routing.encoder import CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, golden_of, open_session, read_card, tokenise
from routing.evaluation import evaluate
from routing.outcomes import Outcomes, assign_splits, experts_of, measured_together, read, read_pools
from routing.sample import SAMPLE_FILE, Sample, save_sample
from routing.schema import Features
from routing.training.assemble import Say, fit_router
from routing.training.calibrate import interval_spread
from routing.training.card import SENTENCE, build_card
from routing.training.features import Encoded, cache_folder, encode_prompts, form_table
from routing.training.graph import export_heads, join, run_heads
from routing.training.heads import OUTPUTS, Heads
from routing.training.tables import Table, build_table
from routing.training.weights import encoder_folder, export_encoder

SAMPLE_PER_GROUP: Final = 150
POOLS_FILE: Final = "pools.json"
JUDGED: Final = ("pool", "router", "n_prompts", "score", "score_interval", "gap_closed", "aiq_above_static_mix",
                 "aiq_above_static_mix_interval", "cost_at", "brier", "brier_base_rate", "calibration_error",
                 "interval_coverage", "apgr")  # fmt: skip


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
    progress: Callable[[str], None] = lambda _: None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Fit the router on the training split, calibrate it on validation, and write its files.

    All data is checked before anything is fitted, and files appear in ``out`` only when all of them are complete.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet.
        out: Folder for the graph, its tokenizer, its card, pools.json and sample.npz.
        extra_outcomes: More outcomes on the same prompts; their experts are predicted however few they are.
        progress: Told what is being done.
        cache: Folder for encoded prompts; None means the user's cache folder.

    Returns:
        The router card.

    Raises:
        DataError: The data cannot be trained on; nothing was written.
        WeightsError: The encoder's weights are missing or not the official ones.
    """
    outcomes = assign_splits(read(data, extra=extra_outcomes))
    for members in read_pools(data).values():
        measured_together(outcomes, members)
    table = build_table(outcomes, extra_experts=experts_of(extra_outcomes))
    progress(
        f"{len(table.experts)} experts in {len(table.sources)} sources, {np.isfinite(table.score).sum():,} outcomes"
    )
    torch.manual_seed(0)
    folder = encoder_folder()
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True)
    progress("Exporting and quantising the encoder")
    encoder = export_encoder(bert)
    texts = list(outcomes.prompts["text"])
    encoded = encode_prompts(encoder, tokenizer, texts, cache=cache or cache_folder(), progress=progress)
    ids, _ = tokenise(tokenizer, texts)
    trained = fit(table, outcomes, encoder, encoded, ids, form_table(tokenizer), progress)
    with tempfile.TemporaryDirectory(dir=out if out.is_dir() else None) as made:
        where = Path(made)
        shutil.copy(folder / TOKENIZER_FILE, where / TOKENIZER_FILE)
        card = write(where, outcomes, table, trained, encoded, tokenizer)
        card["measures"] = judge(data, where, outcomes, progress)
        (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        publish(where, out)
    progress(f"Written to {out}")
    return card


def fit(
    table: Table,
    outcomes: Outcomes,
    encoder: onnx.ModelProto,
    encoded: Encoded,
    ids: list[list[int]],
    forms: NDArray[np.uint8],
    progress: Say,
) -> Trained:
    """Fit, calibrate on validation prompts, and join encoder and heads."""
    fitted = fit_router(table, encoded, forms, outcomes.rows("train"), progress)
    validation = outcomes.rows("validation")
    progress("Calibrating intervals on validation prompts")
    first = run_heads(export_heads(Heads(fitted)), encoded.vector, encoded.pooled, ids)
    task = outcomes.prompts["task"].to_numpy(dtype=object)
    spread = interval_spread(table, first["score"], encoded.vector, validation, task)
    heads = export_heads(Heads(replace(fitted, spread=spread)))
    outputs = run_heads(heads, encoded.vector, encoded.pooled, ids)
    return Trained(join(encoder, heads), outputs)


def write(
    where: Path, outcomes: Outcomes, table: Table, trained: Trained, encoded: Encoded, tokenizer: Tokenizer
) -> dict[str, Any]:
    """Write graph, card, pools and sample into a folder that holds the tokenizer already; returns the card."""
    content = trained.graph.SerializeToString()
    (where / GRAPH_FILE).write_bytes(content)
    validation = outcomes.rows("validation")
    card = build_card(
        outcomes,
        table,
        graph=content,
        tokenizer=(where / TOKENIZER_FILE).read_bytes(),
        golden=golden_of(open_session(content), tokenizer, SENTENCE),
        input_tokens=encoded.tokens,
        familiarity=trained.outputs["familiarity"][validation],
        form="a",
    )
    (where / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    save_sample(held_out_sample(where, outcomes, table, trained, encoded), where / SAMPLE_FILE)
    return card


def held_out_sample(where: Path, outcomes: Outcomes, table: Table, trained: Trained, encoded: Encoded) -> Sample:
    """Test prompts as numbers, at most 150 of every source and domain, for the pages that sweep over prompts."""
    rows = outcomes.rows("test")
    kinds = outcomes.prompts.iloc[rows].groupby(["source", "domain"]).indices.values()
    rng = np.random.default_rng(0)
    some = [rng.permutation(rows[kind])[:SAMPLE_PER_GROUP] for kind in kinds]
    chosen = np.sort(np.concatenate(some)).astype(np.int64)
    heads = {name: trained.outputs[name][chosen] for name in OUTPUTS}
    features = Features(
        vector=encoded.vector[chosen],
        heads=heads,
        graph_experts=table.experts,
        familiarity=heads["familiarity"],
        input_tokens=encoded.tokens[chosen],
        is_truncated=encoded.tokens[chosen] > encoded.read[chosen],
    )
    return Sample(
        prediction=predictors.build(predictors.DEFAULT, read_card(where)).predict(features),
        input_tokens=encoded.tokens[chosen],
        measured_score=outcomes.matrix("score", table.experts)[chosen],
        measured_tokens=outcomes.matrix("output_tokens", table.experts)[chosen],
        domain=outcomes.prompts["domain"].to_numpy(dtype=np.str_)[chosen],
        source=outcomes.prompts["source"].to_numpy(dtype=np.str_)[chosen],
        split="test",
    )


def judge(data: Path, where: Path, outcomes: Outcomes, progress: Say) -> dict[str, list[dict[str, Any]]]:
    """Measures of the default router on validation and test prompts, for the card; empty where no pool is named."""
    pools = read_pools(data)
    facts = load_catalog(EXPERTS_CSV).experts
    names = {expert.name for expert in facts}
    judged = [name for name, members in pools.items() if names.issuperset(members)]
    if not judged:
        return {}
    (where / POOLS_FILE).write_text(json.dumps({name: list(pools[name]) for name in pools}, indent=1) + "\n")
    measures: dict[str, list[dict[str, Any]]] = {}
    for split in ("validation", "test"):
        results = evaluate(
            data,
            split=split,
            routers=[predictors.DEFAULT],
            pools=judged,
            experts=facts,
            assets=where,
            progress=progress,
        )
        measures[split] = [{key: result[key] for key in JUDGED} for result in results]
    return measures


def publish(where: Path, out: Path) -> None:
    """Move finished files into place, each at once; the card last, since it vouches for the others."""
    out.mkdir(parents=True, exist_ok=True)
    names = sorted((path.name for path in where.iterdir()), key=lambda name: name == CARD_FILE)
    for name in names:
        part = out / f".{name}.part"
        shutil.copyfile(where / name, part)
        part.replace(out / name)
