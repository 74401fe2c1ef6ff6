"""The command that fetches the public logs and builds the tables that training reads."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from routing.catalog import unknown_name
from routing.commands import say, write_whole
from routing.errors import DataError
from routing.fetching import LOCK_FILE, Fetcher, Missing, Network, vouched
from routing.sources import SOURCES, Source
from routing.sources.rows import Fetched
from routing.sources.tables import Counts, Tables

RECORD_FILE = "sources.json"


def list_sources() -> None:
    """Print every source with its licence, its repositories, and what was verified about it."""
    for source in SOURCES.values():
        seen = sum(f.is_seen for f in source.files)
        places = sorted({f"{f.repository}@{f.commit[:12]}" for f in source.files})
        shown = ", ".join(places[:3]) + (f" and {len(places) - 3} more commits" if len(places) > 3 else "")
        print(f"{source.name}: {source.what}. Licence: {source.licence}.")
        print(f"  {len(source.files)} files of {shown}; {seen} seen at their commit, {len(source.files) - seen} not.")
        if source.missing:
            print(f"  Not pinned: {source.missing}.")
    print("No hash of a file is known beforehand: the first fetch records them, and later ones must match.")


def fetch_all(out: Path, names: Sequence[str], *, with_unseen: bool = False, network: Network | None = None) -> None:
    """Fetch sources and build prompts.parquet, outcomes.parquet and pools.json in a folder.

    Raises:
        DataError: A source is unknown, a file cannot be had or is not the one recorded, or a log cannot be read.
    """
    for name in names:
        if name not in SOURCES:
            raise DataError(unknown_name("source", name, SOURCES))
    chosen = [SOURCES[name] for name in dict.fromkeys(names or SOURCES)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        fetcher = Fetcher(out, network, say)
        try:
            _fetch_and_build(out, chosen, fetcher, with_unseen=with_unseen)
        finally:
            fetcher.close()
    except OSError as problem:
        raise DataError(
            f"{out} cannot be written to ({problem.strerror or problem}). Choose another folder."
        ) from problem


def _fetch_and_build(out: Path, chosen: Sequence[Source], fetcher: Fetcher, *, with_unseen: bool) -> None:
    if not fetcher.lock.files:
        say(f"First fetch: nothing vouches for these files but their commit and TLS; hashes go into {LOCK_FILE}.")
    _build(out, chosen, {source.name: _files(fetcher, source, with_unseen=with_unseen) for source in chosen})
    told = ", ".join(f"{count} by {way}" for way, count in vouched(fetcher.lock).items())
    say(f"{len(fetcher.lock.files)} files are recorded in {out / LOCK_FILE} ({told}).")


def _files(fetcher: Fetcher, source: Source, *, with_unseen: bool) -> list[Fetched]:
    """Every file that can be had; one that was seen at its commit must be."""
    say(f"{source.name}: licence {source.licence}")
    wanted = [f for f in source.files if f.is_seen or with_unseen]
    skipped = len(source.files) - len(wanted)
    if skipped:
        say(f"{source.name}: {skipped} files were never seen at their commit and are skipped; --unseen tries them.")
    found, gone = [], 0
    for pinned in wanted:
        try:
            found.append(fetcher.fetch(pinned))
        except Missing:
            if pinned.is_seen:
                raise
            gone += 1
    if gone:
        say(f"{source.name}: {gone} files that only follow a pattern are not there.")
    if source.missing:
        say(f"{source.name}: not pinned: {source.missing}.")
    return found


def _build(out: Path, chosen: Sequence[Source], fetched: dict[str, list[Fetched]]) -> None:
    tables = Tables(out)
    with ExitStack() as undo:
        undo.callback(tables.drop)
        for source in chosen:
            counts = tables.add(source.name, source.licence, source.read(fetched[source.name]))
            doubled = f", {counts.doubled:,} doubled outcomes left out" if counts.doubled else ""
            say(
                f"{source.name}: {counts.prompts:,} prompts, {counts.outcomes:,} outcomes of {len(counts.experts)} "
                f"experts{doubled}"
            )
        undo.pop_all()
    lost = tables.finish()
    if lost:
        say(f"Pools left out, since an expert of theirs has no outcome here: {', '.join(lost)}.")
    record = {source.name: _record(source, fetched[source.name], tables.counts[source.name]) for source in chosen}
    write_whole(out / RECORD_FILE, json.dumps(record, indent=1) + "\n")


def _record(source: Source, files: list[Fetched], counts: Counts) -> dict[str, object]:
    return {
        "licence": source.licence, "what": source.what, "not_pinned": source.missing, "prompts": counts.prompts,
        "outcomes": counts.outcomes, "experts": sorted(counts.experts), "files": [f.pinned.key for f in files],
    }  # fmt: skip
