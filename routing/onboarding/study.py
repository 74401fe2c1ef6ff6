"""The whole validation: prompts encoded once, every expert of every pool left out, the basis and the curves written."""

import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import encoder as graph
from routing.catalog import ASSETS
from routing.errors import DataError
from routing.evaluation.measures import nearest
from routing.evaluation.prompts import encode, pools_of, take
from routing.onboarding.basis import BASIS_FILE, SHARE, save_basis
from routing.onboarding.build import build_basis
from routing.onboarding.known import known_of, rows_to_read
from routing.onboarding.validate import Held, leave_out, summed
from routing.outcomes import Outcomes, read
from routing.schema import Features

CURVES_FILE: Final = "onboarding.json"
IntArray = NDArray[np.int64]
Say = Callable[[str], None]


def validate(
    data: Path, *, split: str = "test", assets: Path = ASSETS, progress: Say = lambda _: None
) -> dict[str, Any]:
    """Leave every expert of every pool out and onboard it again.

    The other experts' predictions are those of the graph as it is: the left-out expert's own column takes no part, but
    the shared layer of its network was fitted with that expert's outcomes among all others.

    Args:
        data: Folder with prompts.parquet, outcomes.parquet and pools.json.
        split: Prompts to judge on; probes are validation prompts, or training prompts when those are judged on.
        assets: Folder of the router.
        progress: Told what is being done.

    Returns:
        ``graph_sha256``, ``date``, ``split``, ``probes_from`` and, by pool, ``experts``, ``n_prompts``, ``n_probes``,
        ``rows`` (see ``validate.summed``) and ``by_expert``.

    Raises:
        DataError: The data cannot be used.
        GraphError: The router's files are missing or damaged.
    """
    outcomes = read(data)
    encoder = graph.load(assets, heads=("score", SHARE))
    asked = "train" if split == "validation" else "validation"
    pools = {name: members for name, (members, _) in pools_of(outcomes, data, assets, None, split).items()}
    places = {
        part: {name: rows for name, (_, rows) in pools_of(outcomes, data, assets, list(pools), part).items()}
        for part in (asked, split)
    }
    learned = rows_to_read(outcomes, encoder.card)
    rows = np.unique(np.concatenate([learned, *places[asked].values(), *places[split].values()]))
    features = encode(encoder, outcomes, rows, progress)
    known = known_of(outcomes, encoder.card, learned, take(features, np.searchsorted(rows, learned)))
    trained = outcomes.matrix("score", known.experts)[learned]
    found: dict[str, Any] = {}
    for name, members in pools.items():
        probes, test = (
            _held(outcomes, members, part, take(features, np.searchsorted(rows, part)))
            for part in (places[asked][name], places[split][name])
        )
        say = partial(_named, progress, name)
        gaps = leave_out(known, members, probes, test, trained=trained, say=say)
        found[name] = {
            "experts": list(members),
            "n_prompts": len(test.score),
            "n_probes": len(probes.score),
            "rows": summed(gaps),
            "by_expert": {member: summed([gap for gap in gaps if gap.expert == member]) for member in members},
        }
    return {
        "graph_sha256": known.graph_sha256,
        "date": date.today().isoformat(),
        "split": split,
        "probes_from": asked,
        "pools": found,
    }


def write_basis(data: Path, *, assets: Path = ASSETS, progress: Say = lambda _: None) -> Path:
    """Learn the basis from training prompts and write it beside the graph; raises what ``validate`` does."""
    outcomes = read(data)
    encoder = graph.load(assets, heads=("score", SHARE))
    rows = rows_to_read(outcomes, encoder.card)
    known = known_of(outcomes, encoder.card, rows, encode(encoder, outcomes, rows, progress))
    save_basis(build_basis(known), assets / BASIS_FILE)
    return assets / BASIS_FILE


def stored_curves(folder: Path = ASSETS) -> dict[str, Any] | None:
    """What ``validate`` found for the router of a folder, as it is stored there; None where nothing is.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / CURVES_FILE
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found if found["pools"] else None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path.name} is damaged ({problem!r}). Restore it with git.") from problem


def _named(progress: Say, pool: str, text: str) -> None:
    progress(f"{pool}: {text}")


def _held(outcomes: Outcomes, members: tuple[str, ...], rows: IntArray, features: Features) -> Held:
    prompts = outcomes.prompts.iloc[rows]
    return Held(
        score=outcomes.matrix("score", members)[rows],
        graph_score=features.heads["score"].astype(np.float64),
        share=features.heads[SHARE].astype(np.float64),
        near=nearest(features.vector),
        task=(prompts["source"] + " / " + prompts["task"]).to_numpy(dtype=object),
        domain=prompts["domain"].to_numpy(dtype=object),
    )
