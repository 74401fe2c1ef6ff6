"""The router card: what was trained on what, how good it is, and what the graph must answer."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.outcomes import Outcomes
from routing.training.assemble import SEEDS
from routing.training.heads import OPSET
from routing.training.prepared import Prepared

SENTENCE: Final = "Which planet of the solar system has the most moons, and how many are known?"
UNFAMILIAR_QUANTILE: Final = 0.02
FEWEST_LATENCIES: Final = 50
VARIED_TOKENS: Final = 20.0  # standard deviation from which a latency per token can be told


def build_card(
    ready: Prepared,
    *,
    graph: bytes,
    golden: Mapping[str, Sequence[float]],
    blend: Mapping[str, float],
    familiarity: NDArray[np.float32],
) -> dict[str, Any]:
    """Everything the card states but the measures, which need the files in place first.

    Args:
        ready: The data, the table and the encoder that were fitted on.
        graph: The graph's bytes.
        golden: First numbers of vector and score for the canonical sentence.
        blend: Weight of every method in the graph.
        familiarity: Familiarity of validation prompts.
    """
    outcomes, table = ready.outcomes, ready.table
    row = outcomes.cells["prompt"].to_numpy()
    prompts = outcomes.prompts.iloc[row]
    cells = outcomes.cells.assign(
        source=prompts["source"].to_numpy(),
        domain=prompts["domain"].to_numpy(),
        split=prompts["split"].to_numpy(),
        prompt_tokens=ready.encoded.tokens[row],
    )
    cells = cells[(cells["split"] == "train") & cells["expert"].isin(table.experts)]
    by_expert = cells.groupby("expert")
    return {
        "experts": list(table.experts),
        "form": ready.form,
        "encoder": dict(ready.start.facts),
        "blend": dict(blend),
        "graph_sha256": sha256(graph).hexdigest(),
        "tokenizer_sha256": sha256(ready.start.tokenizer_file.read_bytes()).hexdigest(),
        "opset": OPSET,
        "date": date.today().isoformat(),
        "seeds": list(SEEDS) if "network" in blend else [],
        "golden": {"sentence": SENTENCE, **golden},
        "tuning": [[prompts, round(loss, 5)] for prompts, loss in ready.tuning],
        "unfamiliar_below": round(float(np.quantile(familiarity, UNFAMILIAR_QUANTILE)), 4),
        "sources": source_facts(outcomes),
        "sources_order": list(table.sources),
        "training_outcomes": {name: int(count) for name, count in by_expert.size().items()},
        "mean_score": _per_expert(by_expert["score"].mean(), table.experts),
        "typical_input_tokens": _per_expert(by_expert["prompt_tokens"].mean(), table.experts),
        "typical_output_tokens": _per_expert(by_expert["output_tokens"].mean(), table.experts),
        "outcomes_by_domain": _by_domain(cells.groupby(["expert", "domain"]).size(), 0),
        "mean_score_by_domain": _by_domain(cells.groupby(["expert", "domain"])["score"].mean(), 4),
        **latencies(cells, table.experts),
    }


def source_facts(outcomes: Outcomes) -> dict[str, Any]:
    """Prompts per split, outcomes and licences of every source."""
    cells = outcomes.prompts["source"].to_numpy()[outcomes.cells["prompt"].to_numpy()]
    counts = pd.Series(cells).value_counts()
    return {
        str(name): {
            "licence": ", ".join(sorted(group["licence"].unique())),
            "prompts": {str(split): int(n) for split, n in group["split"].value_counts().sort_index().items()},
            "outcomes": int(counts.get(name, 0)),
        }
        for name, group in outcomes.prompts.groupby("source")
    }


def latencies(cells: pd.DataFrame, experts: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Mean seconds per answer, and seconds before and per output token where lengths vary enough to tell."""
    mean: dict[str, float] = {}
    first: dict[str, float] = {}
    per_token: dict[str, float] = {}
    timed = cells[cells["latency_s"].notna()]
    for name, mine in timed.groupby("expert"):
        if len(mine) < FEWEST_LATENCIES:
            continue
        seconds, tokens = mine["latency_s"].to_numpy(), mine["output_tokens"].to_numpy()
        mean[str(name)] = float(seconds.mean())
        slope = 0.0
        if np.isfinite(tokens).all() and tokens.std() > VARIED_TOKENS:
            slope = max(0.0, float(np.cov(tokens, seconds)[0, 1] / tokens.var(ddof=1)))
        first[str(name)] = max(0.0, float(seconds.mean() - slope * np.nan_to_num(tokens).mean()))
        per_token[str(name)] = slope
    found = {"latency_s": mean, "latency_first_s": first, "latency_per_token_s": per_token}
    return {key: _per_expert(pd.Series(values, dtype=float), experts) for key, values in found.items()}


def _per_expert(values: "pd.Series[float]", experts: Sequence[str]) -> dict[str, float | None]:
    return {
        name: round(float(values[name]), 6) if name in values.index and np.isfinite(values[name]) else None
        for name in experts
    }


def _by_domain(values: "pd.Series[Any]", digits: int) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for expert, domain in values.index:
        value = values[(expert, domain)]
        table.setdefault(str(expert), {})[str(domain)] = round(float(value), digits) if digits else int(value)
    return table
