"""WMT24: people's ratings of translations from English, segment by segment, and the English source text."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from routing.sources.rows import Fetched, Outcome, Prompt

_LANGUAGES: Final = {"ces": "cs", "zho": "zh", "jpn": "ja"}
_EXPERTS: Final = {
    "Aya23": "aya23", "Claude-3.5": "claude-3.5-sonnet-20240620", "CommandR-plus": "command-r-plus",
    "Gemini-1.5-Pro": "gemini-1.5-pro", "GPT-4": "gpt-4", "IOL-Research": "iol-research",
    "Llama3-70B": "llama-3-70b-instruct", "Unbabel-Tower70B": "unbabel-tower70b",
}  # fmt: skip
_COLUMNS: Final = 12
_Cell = tuple[str, int, str]  # language, segment, expert


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Segments that were rated, and the mean rating of each expert's translation, 0 to 1."""
    parts = defaultdict(list)
    for file in files:
        parts[file.pinned.part].append(file)
    lines = [line for file in parts["text"] for line in file.text().split("\n")]
    documents = [line.split("\t")[-1] for file in parts["documents"] for line in file.text().split("\n")]
    ratings: dict[_Cell, list[float]] = defaultdict(list)
    for file in parts["ratings"]:
        for cell, rating in _rated(file, documents).items():
            ratings[cell].append(rating)
    told: set[tuple[str, int]] = set()
    for (language, segment, expert), found in sorted(ratings.items()):
        if segment >= len(lines):
            continue
        prompt_id = f"wmt24/en-{language}/{segment}"
        if (language, segment) not in told:
            told.add((language, segment))
            text = f"Translate from English to {language}: {lines[segment].strip()}"
            yield Prompt(prompt_id, f"wmt24-en-{language}", "translation", text)
        yield Outcome(prompt_id, expert, sum(found) / len(found) / 100)


def _rated(file: Fetched, documents: list[str]) -> dict[_Cell, float]:
    """Mean rating by segment of one file; checks, tutorials, incomplete and doubled documents do not count.

    A person who rated a segment twice meant the later rating. Ratings were taken before a first line was added to the
    source text; where that is so, the documents tell.
    """
    latest: dict[tuple[str, str, str, int], tuple[float, float, str]] = {}
    try:
        for row in csv.reader(io.StringIO(file.text(), newline="")):
            if len(row) != _COLUMNS:
                raise file.damaged(f"a row has {len(row)} columns, {_COLUMNS} were expected")
            user, system, segment, kind, source, target, rating, document, _, _, _, ended = row
            if kind != "TGT" or source != "eng" or "#" in document or "tutorial" in system:
                continue
            if target in _LANGUAGES and system in _EXPERTS:
                key = (user, _EXPERTS[system], _LANGUAGES[target], int(segment))
                if key not in latest or latest[key][0] < float(ended):
                    latest[key] = (float(ended), float(rating), document)
    except (ValueError, csv.Error) as problem:
        raise file.damaged(str(problem)) from problem
    shift = _shift(file, [(key[3], document) for key, (_, _, document) in latest.items()], documents)
    found: dict[_Cell, list[float]] = defaultdict(list)
    for key, (_, value, _) in latest.items():
        found[key[2], key[3] + shift, key[1]].append(value)
    return {cell: sum(ratings) / len(ratings) for cell, ratings in found.items()}


def _shift(file: Fetched, rated: list[tuple[int, str]], documents: list[str]) -> int:
    """By how many lines segments lie further down in the source text.

    Raises:
        DataError: Under no shift do the documents agree, so that ratings would go to the wrong text.
    """
    for shift in (1, 0):
        if all(at + shift < len(documents) and documents[at + shift] == name for at, name in rated):
            return shift
    raise file.damaged("its documents are not those of the source text")
