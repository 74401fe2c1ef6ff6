"""What leaves training beside the graph: the held-out sample, the measures on the card, and files moved into place."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.catalog import EXPERTS_CSV, load_catalog
from routing.encoder import CARD_FILE, read_card
from routing.evaluation import evaluate
from routing.outcomes import Outcomes, read_pools
from routing.own import OwnExpert
from routing.own.table import write_table
from routing.sample import Sample
from routing.schema import Features
from routing.training.features import Encoded
from routing.training.tables import Table

POOLS_FILE: Final = "pools.json"
TRAINED: Final = "trained"  # the pool of all experts of a router on own tables
SAMPLE_PER_GROUP: Final = 150
JUDGED: Final = ("pool", "router", "n_prompts", "score", "score_interval", "gap_closed", "aiq_above_static_mix",
                 "aiq_above_static_mix_interval", "cost_at", "brier", "brier_base_rate", "calibration_error",
                 "interval_coverage", "apgr")  # fmt: skip

Say = Callable[[str], None]
Outputs = dict[str, NDArray[np.float32]]


def held_out_sample(where: Path, outcomes: Outcomes, table: Table, outputs: Outputs, encoded: Encoded) -> Sample:
    """Test prompts as numbers, at most 150 of every source and domain, for the pages that sweep over prompts."""
    rows = outcomes.rows("test")
    kinds = outcomes.prompts.iloc[rows].groupby(["source", "domain"]).indices.values()
    rng = np.random.default_rng(0)
    some = [rng.permutation(rows[kind])[:SAMPLE_PER_GROUP] for kind in kinds]
    chosen = np.sort(np.concatenate(some)).astype(np.int64)
    heads = {name: values[chosen] for name, values in outputs.items()}
    features = Features(
        vector=encoded.vector[chosen],
        heads=heads,
        graph_experts=table.experts,
        familiarity=heads["familiarity"],
        input_tokens=encoded.tokens[chosen],
        is_truncated=encoded.is_truncated[chosen],
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
    """Measures of the default router on validation and test prompts, for the card; empty where no pool is named.

    Pools go beside the graph: those of the data, else one of all experts that it predicts.
    """
    pools = read_pools(data)
    facts = load_catalog(EXPERTS_CSV).experts
    names = {expert.name for expert in facts}
    judged = [name for name, members in pools.items() if names.issuperset(members)]
    beside = pools or {TRAINED: read_card(where).experts}
    (where / POOLS_FILE).write_text(json.dumps({name: list(beside[name]) for name in beside}, indent=1) + "\n")
    if not judged:
        return {}
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


def write_experts(where: Path, names: Sequence[str]) -> None:
    """The table of experts for a router of its own: shipped facts where there are some, else unknown ones."""
    shipped = {expert.name: expert for expert in load_catalog(EXPERTS_CSV).experts}
    write_table(where / EXPERTS_CSV.name, [shipped.get(name) or OwnExpert(name).expert for name in names])


def publish(where: Path, out: Path) -> None:
    """Move finished files into place, each at once; the card last, since it vouches for the others."""
    out.mkdir(parents=True, exist_ok=True)
    names = sorted((path.name for path in where.iterdir()), key=lambda name: name == CARD_FILE)
    for name in names:
        part = out / f".{name}.part"
        shutil.copyfile(where / name, part)
        part.replace(out / name)
