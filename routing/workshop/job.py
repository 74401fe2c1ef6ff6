"""Trainings as seen from the app: at most one a person and two on the machine, found again after a reload."""

import json
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from routing.errors import DataError, StoreError
from routing.own.table import write_table
from routing.schema import Expert
from routing.workshop import children, locks, places, state
from routing.workshop.bounds import MOST_AT_ONCE
from routing.workshop.checking import Checked
from routing.workshop.prices import with_stated_costs
from routing.workshop.state import State

SETTINGS_FILE: Final = "settings.json"
FACTS_FILE: Final = "experts.csv"
LONGEST_NAME: Final = 60

# The app holds one end of a pipe to each training; when the app is gone, however it ended, the training ends too.
_running: dict[Path, "subprocess.Popen[bytes]"] = {}
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training is told beside its tables.

    Args:
        name: What the router is called.
        form: "a" for the frozen encoder, "b" for a tuned one.
        router_id: Folder of the router to make.
        current: Folder of the router that it is compared with.
    """

    name: str
    form: Literal["a", "b"]
    router_id: str
    current: str


def start(
    owner: str, checked: Checked, *, name: str, form: Literal["a", "b"], current: Path, experts: Sequence[Expert]
) -> None:
    """Start a training.

    Args:
        owner: Whose it is.
        checked: Tables without stops.
        name: What the router is called.
        form: Whether the encoder stays frozen or is tuned first, which needs torch.
        current: Folder of the router in force, to compare with.
        experts: Facts about the experts of the tables, for prices; one without a price gets that of its stated costs.

    Raises:
        DataError: The tables cannot be trained on, or the name is none.
        StoreError: A training of this person runs, the machine is busy with others', or there is no room.
    """
    if checked.stops:
        raise DataError(checked.stops[0])
    called = checked_name(name)
    place = places.home(owner) / places.JOB
    with _starting:
        now = state.read(place)
        if now is not None and now.status == "running":
            raise StoreError(f"A training of yours is running ({now.name}). Wait for it, or cancel it.")
        places.check_room(owner)
        if not any_slot():
            raise StoreError(
                f"{MOST_AT_ONCE} trainings are running on this machine, the most allowed. Try again later."
            )
        _clear(place, now)
        data = place / "data"
        data.mkdir(parents=True)
        checked.prompts.to_parquet(data / "prompts.parquet")
        checked.outcomes.to_parquet(data / "outcomes.parquet")
        write_table(place / FACTS_FILE, with_stated_costs(experts, checked.prompts, checked.outcomes))
        settings = Settings(called, form, places.new_id(), str(current))
        (place / SETTINGS_FILE).write_text(json.dumps(asdict(settings)), encoding="utf-8")
        begin(place, State("running", called, settings.router_id, state.now(), lines=("Starting",)))


def begin(place: Path, first: State) -> None:
    """Start the process that works in a folder, and wait until it holds the folder's lock."""
    _let_go(place)
    state.write(place, first)
    process = subprocess.Popen(  # noqa: S603 - fixed command
        children.command("train", place), env=children.environ(), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    _running[place] = process
    for _ in range(100):
        if process.poll() is not None or state.is_held(place):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


def checked_name(name: str) -> str:
    """The name of a router, if it can be shown.

    Raises:
        DataError: It is empty, too long, or holds markup.
    """
    text = " ".join(name.split())
    if not 0 < len(text) <= LONGEST_NAME or not all(char.isalnum() or char in " ._-()+" for char in text):
        raise DataError(
            f"{name[:70]!r} cannot be a router's name: 1 to {LONGEST_NAME} letters, digits, spaces and . _ - ( ) + "
            "are allowed."
        )
    return text


def now(owner: str) -> State | None:
    """How this person's newest training is; None where there is none."""
    place = places.home(owner) / places.JOB
    found = state.read(place)
    _let_go(place)
    return found


def _let_go(place: Path) -> None:
    """Close our end of the pipe to a training that has ended."""
    process = _running.get(place)
    if process is not None and process.poll() is not None:
        _running.pop(place, None)
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()


def cancel(owner: str) -> None:
    """Ask the running training to end; it does within a second."""
    place = places.home(owner) / places.JOB
    if place.is_dir():
        (place / state.CANCEL_FILE).touch()


def forget(owner: str) -> None:
    """Remove what is left of a training that has ended."""
    found = now(owner)
    if found is not None and found.status != "running":
        _clear(places.home(owner) / places.JOB, found)


def _clear(place: Path, ended: State | None) -> None:
    """Remove the folder of a training that has ended, and what a killed one left half done."""
    if ended is not None:
        places.remove(place.parent / f"{places.PART}{ended.router_id}")
    places.remove(place)


def any_slot() -> bool:
    """Whether a training may start on this machine now."""
    held = take_slot()
    if held is not None:
        held.close()
    return held is not None


def take_slot() -> BinaryIO | None:
    """One of the machine's places for trainings, held until closed or the process ends; None if none is free."""
    return locks.take_one(places.root() / places.SLOTS, "", MOST_AT_ONCE)


def settings_of(place: Path) -> Settings:
    """What the training in a folder was told."""
    raw: dict[str, Any] = json.loads((place / SETTINGS_FILE).read_text(encoding="utf-8"))
    return Settings(**raw)
