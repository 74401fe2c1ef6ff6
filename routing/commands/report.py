"""What ``evaluate`` and ``report`` do: judge, keep what took long, write the evidence and the README's tables."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from routing import predictors
from routing.catalog import ASSETS
from routing.commands import priced, say, write_whole
from routing.commands.own_router import facts_for, folder_of
from routing.errors import DataError, PreferenceError
from routing.evidence import EVIDENCE_JSON, Evidence
from routing.evidence_tables import held_out_table, rewritten, table

if TYPE_CHECKING:
    from routing.evaluation.study import Study

README: Final = ASSETS.parent / "README.md"
PROTOCOLS: Final = ("split", "held-out")


def evaluate_all(
    data: Path,
    *,
    split: str,
    routers: Sequence[str],
    pools: Sequence[str],
    json_file: Path | None,
    protocol: str = "split",
    place: Path | None = None,
) -> None:
    """Judge routers on pools, print the main measures as a table, and write all of them if asked.

    ``place`` is the folder or zip of a router of one's own.

    Raises:
        PreferenceError: The protocol is unknown, or would refit a router that is given.
        DataError: The place holds no router.
    """
    if protocol not in PROTOCOLS:
        raise PreferenceError(f"The protocol was {protocol!r}; it is one of {', '.join(PROTOCOLS)}.")
    if place is not None and protocol != "split":
        raise PreferenceError(
            f"--protocol {protocol} refits methods on the data, so it cannot judge the router of --from. "
            "Leave one of the two out."
        )
    names = [] if "all" in routers else list(routers or [predictors.DEFAULT])
    if protocol == "split":
        with folder_of(place) as folder:
            results = evaluate_rows(data, split=split, routers=names, pools=pools, assets=folder)
        print(table(results))
    else:
        results = held_out_results(data, split=split, routers=names, pools=pools)
        print(held_out_table(results))
    if json_file is not None:
        write_whole(json_file, json.dumps(results, indent=1))
        say(f"Every measure is in {json_file}")


def evaluate_rows(
    data: Path, *, split: str, routers: Sequence[str], pools: Sequence[str], assets: Path = ASSETS
) -> list[dict[str, Any]]:
    """Every measure of the routers of a folder, one dict per pool and router."""
    from routing.evaluation import evaluate

    facts = priced(data) if assets == ASSETS else facts_for(data)
    return evaluate(
        data, split=split, routers=routers, pools=list(pools) or None, experts=facts, assets=assets, progress=say
    )


def held_out_results(data: Path, *, split: str, routers: Sequence[str], pools: Sequence[str]) -> list[dict[str, Any]]:
    """The same on tasks and sources that the routers were not fitted on; policies are left out.

    Raises:
        PreferenceError: Something was named that is not fitted.
    """
    for name in routers:
        if name not in predictors.PREDICTORS:
            raise PreferenceError(f"{name!r} is not a predictor, so it is not fitted; name one, or all.")
    return _study(data, split, list(routers) or list(predictors.PREDICTORS), pools).held_out()


def report_all(data: Path | None, *, split: str, with_refits: bool, from_stored: bool, reuse: bool = False) -> None:
    """Measure, store the evidence, and write the README's tables from what is stored.

    Args:
        data: Folder of the data; not needed when nothing is measured.
        split: The split to judge on.
        with_refits: Whether to refit; else the parts that need refits stay as they are stored.
        from_stored: Measure nothing, only write the tables anew.
        reuse: Take kept refits even where the code has changed since; the evidence then says so.

    Raises:
        DataError: There is no data, or the evidence cannot be read.
    """
    if not from_stored:
        if data is None:
            raise DataError(
                "There is nothing to measure on: give --data DIR, or --from-stored to renew the tables only."
            )
        study = _study(data, split, [], (), reuse=reuse)
        stored = Evidence.load() if (ASSETS / EVIDENCE_JSON).is_file() else None
        from routing.evaluation.gathered import evidence_of

        made = evidence_of(study, split=split, machine=machine(), with_refits=with_refits, stored=stored)
        made.save(ASSETS)
    write_whole(README, rewritten(README.read_text(encoding="utf-8"), Evidence.load()))
    say(f"The tables of {README.name} agree with what is stored")


def _study(data: Path, split: str, names: Sequence[str], pools: Sequence[str], *, reuse: bool = False) -> "Study":
    from routing.evaluation.shelf import Shelf, kept_in, stamp_of
    from routing.evaluation.study import Study
    from routing.evaluation.trial import every_name, open_trial

    trial = open_trial(
        data,
        names or every_name(),
        split=split,
        pools=list(pools) or None,
        experts=priced(data),
        progress=say,
    )
    return Study(trial, data, Shelf(kept_in(), stamp_of(data, split), is_lenient=reuse), say)


def machine() -> str:
    """What machine figures come from."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
