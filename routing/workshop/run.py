"""One training, in its own bounded process: fit, judge, put the router into its folder at once."""

import json
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from routing.catalog import ASSETS, load_catalog
from routing.encoder import GRAPH_FILE, load
from routing.errors import DataError, RoutingError
from routing.workshop import job, locks, places, state
from routing.workshop.bounds import FEWEST_IN_SOURCE, FEWEST_OUTCOMES, MOST_AT_ONCE, TRAIN_BYTES, TRAIN_S

LOCK_S: Final = 5.0
ENCODED: Final = re.compile(r"Encoded ([\d,]+) of ([\d,]+)")
READ_SHARE, FIT_SHARE = 0.75, 0.9  # of the bar: encoding dominates, judging is short
CACHED: Final = ("features-*.npz", "tuned-*")
_speaking = threading.Lock()


def train_in(place: Path) -> None:
    """Do the training of a folder; how it goes and how it ends is written there."""
    lock = locks.take(place / state.LOCK_FILE, wait_s=LOCK_S)
    first = state.read(place)  # after the lock: before it, this training would look interrupted to itself
    if lock is None or first is None:
        return
    told = Told(place, first)
    settings = job.settings_of(place)
    part = place.parent / f"{places.PART}{settings.router_id}"
    threading.Thread(target=_watch, args=(told, part), daemon=True).start()
    slot = job.take_slot()
    try:
        if slot is None:
            told.end("failed", problem=f"{MOST_AT_ONCE} trainings are running on this machine. Try again later.")
            return
        measures = _train(place, part, settings, told.say)
        told.end("done", measures=measures, graph_sha256=_publish(part, settings))
    except RoutingError as problem:
        told.end("failed", problem=str(problem))
    except MemoryError:
        gb = TRAIN_BYTES / 2**30
        told.end("failed", problem=f"Training needs more than the {gb:.0f} GB of memory allowed. Take fewer prompts.")
    except Exception as problem:  # noqa: BLE001 - a process of its own: whatever ends it is said, not printed
        told.end("failed", problem=f"Training stopped at {told.last!r} ({type(problem).__name__}). Please report it.")
    finally:
        places.remove(part)
        for name in ("data", "judge"):
            places.remove(place / name)


class Told:
    """What this training has said, kept in its folder.

    Args:
        place: The folder.
        first: What it says at the start.
    """

    def __init__(self, place: Path, first: state.State) -> None:
        self.place = place
        self._now = first

    @property
    def last(self) -> str:
        """The newest line."""
        return self._now.lines[-1] if self._now.lines else ""

    def say(self, line: str) -> None:
        """One line of progress."""
        with _speaking:
            self._now = self._now.saying(line, share_after(line, self._now.share))
            state.write(self.place, self._now)

    def end(self, status: state.Status, **facts: Any) -> None:  # noqa: ANN401 - fields of State
        """The last word."""
        with _speaking:
            state.write(self.place, replace(self._now, status=status, share=1.0, **facts))


def share_after(line: str, before: float) -> float:
    """How much is done after a line of progress.

    >>> share_after("Encoded 500 of 1,000 prompts", 0.02)
    0.375
    """
    if before < READ_SHARE and (found := ENCODED.match(line)):
        done, of = (int(number.replace(",", "")) for number in found.groups())
        return max(before, READ_SHARE * done / of)
    if line.startswith("Clusters"):
        return max(before, READ_SHARE)
    return max(before, FIT_SHARE) if line.startswith("Calibrating") else min(0.99, before + 0.005)


def _watch(told: Told, part: Path) -> None:
    """End this process when it is cancelled, takes too long, or the app that started it is gone."""
    started, gone = time.monotonic(), threading.Event()

    def listen() -> None:
        while os.read(0, 1):  # the app's end of the pipe closes when the app ends
            pass
        gone.set()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        why = ""
        if gone.wait(0.3):
            why = "The app ended while it was training. Start it again."
        elif time.monotonic() - started > TRAIN_S:
            why = f"It took longer than {TRAIN_S // 3600} hours, which is the most. Take fewer prompts."
        if why or (told.place / state.CANCEL_FILE).exists():
            told.end("failed" if why else "cancelled", problem=why)
            places.remove(part)
            for name in ("data", "judge"):
                places.remove(told.place / name)
            os._exit(3)


def _train(place: Path, part: Path, settings: job.Settings, say: Callable[[str], None]) -> dict[str, Any]:
    """Fit and judge; the router's files are in ``part`` afterwards."""
    from routing.outcomes import read
    from routing.own.table import write_table
    from routing.training.delivery import TRAINED
    from routing.training.prepared import prepare
    from routing.training.start import from_router
    from routing.training.tables import Fewest
    from routing.training.train import fit, save_card, write
    from routing.workshop.judging import judged

    part.mkdir(parents=True)
    cache = place.parent / "cache"
    _keep_newest(cache)
    outcomes = read(place / "data")
    ready = prepare(
        place / "data",
        outcomes=outcomes,
        cache=cache,
        form=settings.form,
        fewest=Fewest(FEWEST_OUTCOMES, FEWEST_IN_SOURCE),
        start=lambda: from_router(ASSETS),
        progress=say,
    )
    trained = fit(ready, say, blend=None)
    card = write(part, ready, trained)
    facts = load_catalog(place / job.FACTS_FILE).experts
    known = {expert.name: expert for expert in facts}
    write_table(part / job.FACTS_FILE, [known[name] for name in ready.table.experts])
    say("Judging on test prompts")
    measures = judged(place / "judge", outcomes, part, Path(settings.current), facts, say)
    card["measures"], card["name"] = measures, settings.name
    (part / "pools.json").write_text(json.dumps({TRAINED: list(ready.table.experts)}), encoding="utf-8")
    save_card(part, card)
    load(part)
    _learn_basis(place / "data", part, say)
    _keep_newest(cache)
    return measures


def _learn_basis(data: Path, part: Path, say: Callable[[str], None]) -> None:
    """What onboarding needs to place further experts among these; there is none with fewer than three experts."""
    from routing.onboarding.study import write_basis

    say("Learning what these experts differ in, for onboarding others")
    with suppress(DataError):
        write_basis(data, assets=part)


def _keep_newest(cache: Path) -> None:
    """Of what was encoded and tuned the newest stays, so that a second training on the same upload is quick."""
    for pattern in CACHED:
        for file in sorted(cache.glob(pattern), key=lambda one: one.stat().st_mtime)[:-1]:
            file.unlink(missing_ok=True)


def _publish(part: Path, settings: job.Settings) -> str:
    """Give the finished folder its name, at once; returns the hash of its graph."""
    part.rename(part.parent / settings.router_id)
    return sha256((part.parent / settings.router_id / GRAPH_FILE).read_bytes()).hexdigest()
