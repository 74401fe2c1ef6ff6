"""In a bounded process: whether files of an imported router match, work, and say nothing that pages cannot show."""

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import jsonschema

from routing.catalog import ASSETS
from routing.encoder import CARD_FILE, GRAPH_FILE, MAX_TOKENS
from routing.errors import CatalogError, DataError, GraphError
from routing.own.checks import checked_name, is_plain
from routing.predictors import PREDICTORS
from routing.registry import load_routers
from routing.sample import SAMPLE_FILE, load_sample, save_sample
from routing.training.foreign import check_graph
from routing.workshop.archive import POOLS_FILE
from routing.workshop.bounds import MOST_EXPERTS
from routing.workshop.job import checked_name as checked_router_name

LARGEST_CARD: Final = 2_000_000  # bytes
MOST_SAMPLE_MB: Final = 50
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
    from routing.training.delivery import write_experts

    card = _card(folder)
    check_graph((folder / GRAPH_FILE).read_bytes(), ASSETS)
    write_experts(folder, card["experts"])
    (folder / POOLS_FILE).write_text(json.dumps({"trained": card["experts"]}), encoding="utf-8")
    _sample(folder, card["experts"])
    card["measures"] = {}  # said by somebody else about data that is not here
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    for router in load_routers(assets=folder).values():
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
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, OSError) as problem:
        raise DataError(f"{SAMPLE_FILE} is damaged ({problem}). Export the router again.") from None
    if size > MOST_SAMPLE_MB * 1e6:
        raise DataError(f"{SAMPLE_FILE} unpacks to {size / 1e6:,.0f} MB; at most {MOST_SAMPLE_MB} MB are read.")
    sample = load_sample(path)
    count = len(sample.input_tokens)
    shapes = {getattr(sample.prediction, name).shape for name in ("score", "output_tokens", "latency_s")}
    is_right = list(sample.prediction.experts) == experts and shapes == {(count, len(experts))}
    if not is_right or sample.measured_score.shape != (count, len(experts)) or len(sample.domain) != count:
        raise GraphError(f"{SAMPLE_FILE} does not match the router card. Export the router again.")
    save_sample(sample, path)
