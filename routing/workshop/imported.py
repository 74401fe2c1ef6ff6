"""In a bounded process: whether files of an imported router match, work, and say nothing that pages cannot show."""

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import jsonschema
import numpy as np

from routing.catalog import ASSETS
from routing.encoder import CARD_FILE, GRAPH_FILE
from routing.errors import CatalogError, DataError, GraphError
from routing.onboarding.basis import BASIS_FILE, SHARE, Basis, save_basis
from routing.onboarding.build import PER_BENCHMARK
from routing.own.checks import checked_name, is_plain
from routing.predictors import DEFAULT, PREDICTORS
from routing.registry import load_routers
from routing.router import Router
from routing.sample import SAMPLE_FILE, load_sample, save_sample
from routing.training.foreign import check_graph
from routing.word_pieces import MAX_TOKENS
from routing.workshop.archive import POOLS_FILE
from routing.workshop.bounds import MOST_EXPERTS
from routing.workshop.job import checked_name as checked_router_name

LARGEST_CARD: Final = 2_000_000  # bytes
MOST_ARRAYS_MB: Final = 50  # of a file of arrays, unpacked
MOST_AXES: Final = 400
MOST_BENCHMARKS: Final = 400
LONGEST_BENCHMARK: Final = 100  # characters of a name: a task's, and what goes before it
LARGEST_NUMBER: Final = 1e5  # in what onboarding rests on, where all is log odds and their squares
_NUMBERS: Final = {"type": "object", "additionalProperties": {"type": ["number", "null"]}}
_TABLE: Final = {"type": "object", "additionalProperties": _NUMBERS}
_HASH: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_PER_EXPERT: Final = (
    *("training_outcomes", "mean_score", "typical_input_tokens", "typical_output_tokens", "latency_s"),
    *("latency_first_s", "latency_per_token_s"),
)
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": [*_PER_EXPERT, "experts", "methods", "graph_sha256", "tokenizer_sha256", "golden", "sources", "date"],
    "properties": {
        "experts": {"type": "array", "minItems": 2, "maxItems": MOST_EXPERTS, "items": {"type": "string"}},
        "methods": {"type": "array", "items": {"enum": list(PREDICTORS)}, "contains": {"const": "blend"}},
        "graph_sha256": _HASH,
        "tokenizer_sha256": _HASH,
        "methods_sha256": False,
        "golden": {
            "type": "object",
            "required": ["sentence", "vector", "score"],
            "properties": {"sentence": {"type": "string", "maxLength": 400}},
            "additionalProperties": {"type": "array", "maxItems": 16, "items": {"type": ["number", "null"]}},
        },
        "sources": {"type": "object", "maxProperties": 100},
        "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "unfamiliar_below": {"type": "number"},
        "outcomes_by_domain": _TABLE,
        "mean_score_by_domain": _TABLE,
        "measures": {"type": "object"},
        "name": {"type": "string"},
        **dict.fromkeys(_PER_EXPERT, _NUMBERS),
    },
}
"""What pages read off a card; anything else on it is kept and never shown."""


def check_files(folder: Path) -> None:
    """Check everything in a folder, and write anew what can be made from the card.

    Raises:
        DataError: The card or the sample is not one that training writes.
        GraphError: The graph was not made by training, or does not match its card.
    """
    from routing.training.delivery import TRAINED, write_experts

    card = _card(folder)
    check_graph((folder / GRAPH_FILE).read_bytes(), ASSETS)
    write_experts(folder, card["experts"])
    (folder / POOLS_FILE).write_text(json.dumps({TRAINED: card["experts"]}), encoding="utf-8")
    _sample(folder, card["experts"])
    if (folder / BASIS_FILE).exists():
        _check_size(folder / BASIS_FILE)
    card["measures"] = {}  # said by somebody else about data that is not here
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    routers = load_routers(assets=folder)
    _basis(folder, routers[DEFAULT])
    for router in routers.values():
        for text in ("Hello", "word " * 2 * MAX_TOKENS):
            router.route(text)


def _card(folder: Path) -> dict[str, Any]:
    raw = (folder / CARD_FILE).read_bytes()
    if len(raw) > LARGEST_CARD:
        raise DataError(f"router_card.json has {len(raw):,} bytes; at most {LARGEST_CARD:,} are read.")
    try:
        card = json.loads(raw)
        jsonschema.validate(card, SCHEMA)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"router_card.json is not JSON ({type(problem).__name__}). Export the router again.") from None
    except jsonschema.ValidationError as problem:
        place = "/".join(map(str, problem.absolute_path)) or "the card"
        said = problem.message.splitlines()[0][:120]
        raise DataError(f"router_card.json is not a card that training writes: {place}: {said}.") from None
    try:
        for name in card["experts"]:
            checked_name(name)
    except CatalogError as problem:
        raise DataError(f"router_card.json names an expert wrongly: {problem}") from None
    known = set(card["experts"])
    if len(known) < len(card["experts"]) or any(not known.issuperset(card[key]) for key in _PER_EXPERT):
        raise DataError("router_card.json names an expert twice, or states numbers of one that it does not predict.")
    shown = [*card["sources"], *(domain for table in card.get("outcomes_by_domain", {}).values() for domain in table)]
    if any(not is_plain(name) or len(name) > 80 for name in shown):
        raise DataError("router_card.json names a source or a domain with markup in it, which is refused.")
    card["name"] = checked_router_name(str(card.get("name") or "Imported"))
    return dict(card)


def _sample(folder: Path, experts: list[str]) -> None:
    """Read the sample within bounds and write it again as ours."""
    path = folder / SAMPLE_FILE
    _check_size(path)
    sample = load_sample(path)
    count = len(sample.input_tokens)
    shapes = {getattr(sample.prediction, name).shape for name in ("score", "output_tokens", "latency_s")}
    is_right = list(sample.prediction.experts) == experts and shapes == {(count, len(experts))}
    if not is_right or sample.measured_score.shape != (count, len(experts)) or len(sample.domain) != count:
        raise GraphError(f"{SAMPLE_FILE} does not match the router card. Export the router again.")
    save_sample(sample, path)


def _check_size(path: Path) -> None:
    """Refuse arrays that would unpack to more than is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, OSError) as problem:
        raise DataError(f"{path.name} is damaged ({problem}). Export the router again.") from None
    if size > MOST_ARRAYS_MB * 1e6:
        raise DataError(f"{path.name} unpacks to {size / 1e6:,.0f} MB; at most {MOST_ARRAYS_MB} MB are read.")


def _basis(folder: Path, router: Router) -> None:
    """Hold what onboarding rests on, where the zip has it, to the router, and write it again as ours."""
    path = folder / BASIS_FILE
    if not path.exists():
        return
    n_sources = router.encoder.encode(["Hello"]).heads[SHARE].shape[1]
    basis = router.basis
    if basis is None or list(basis.experts) != router.card["experts"] or not is_sound(basis, n_sources):
        raise GraphError(f"{BASIS_FILE} does not match the router card. Export the router again.")
    save_basis(basis, path)


def is_sound(basis: Basis, n_sources: int) -> bool:
    """Whether every array is as large as training makes it, its numbers finite, and the spread can be inverted."""
    n = len(basis.mean) if basis.mean.ndim == 1 else 0
    if not 0 < n <= MOST_AXES:
        return False
    shapes = [a.shape for a in (basis.mix, basis.shift, basis.source, basis.covariance, basis.residual)]
    parts = [basis.mix, basis.shift, basis.mean, basis.covariance, basis.residual]
    axes = [one.axes for one in basis.benchmarks.values()]
    return (
        shapes == [(len(basis.experts), n), (n,), (n,), (n, n), (n_sources,)]
        and all(bool((np.abs(part) <= LARGEST_NUMBER).all()) for part in (*parts, *axes))
        and bool(((basis.source >= 0) & (basis.source < n_sources)).all())
        and bool((basis.residual >= 0).all())
        and np.allclose(basis.covariance, basis.covariance.T)
        and bool(np.linalg.eigvalsh(basis.covariance).min() > 0)
        and len(axes) <= MOST_BENCHMARKS
        and all(one.ndim == 2 and one.shape[1] == n and 0 < len(one) <= PER_BENCHMARK for one in axes)
        and all(is_plain(name) and len(name) <= LONGEST_BENCHMARK for name in basis.benchmarks)
    )
