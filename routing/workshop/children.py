"""Starting the bounded processes of the workshop, and reading how they ended; ``child`` is what runs in one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from routing.errors import DataError, StoreError
from routing.keys import harmless_environ
from routing.workshop import locks, places
from routing.workshop.bounds import MOST_READ_AT_ONCE, READ_S

# Every thread of a linear-algebra library claims memory of its own as it starts.
THREADS: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "2")
FOLDERS: Final = ("XDG_DATA_HOME", "XDG_CACHE_HOME")
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tell nobody."""


def command(task: str, place: Path) -> list[str]:
    """How to start one."""
    return [sys.executable, "-m", "routing.workshop.child", task, str(place)]


def environ() -> dict[str, str]:
    """What it may know of the environment: no key of a provider."""
    root = str(Path(__file__).resolve().parent.parent.parent)
    folders = {name: os.environ[name] for name in FOLDERS if name in os.environ}
    return {**harmless_environ(), **THREADS, **folders, "PYTHONPATH": os.pathsep.join([root, *_path()])}


def _path() -> list[str]:
    given = os.environ.get("PYTHONPATH", "")
    return [given] if given else []


def run(task: str, place: Path, *, wall_s: float = READ_S, tell: Tell = silent) -> None:
    """Run one to its end, when there is a place for it on this machine.

    Args:
        task: What to do.
        place: The folder to do it in.
        wall_s: How long to wait for a place, and how long it may then take.
        tell: Told that it waits, and "" when it does no more.

    Raises:
        DataError: What it says went wrong, or that it took too long or was ended by the system.
        StoreError: Too many others run all the time.
    """
    slots = places.root() / places.SLOTS
    slot = locks.take_one(slots, "read", MOST_READ_AT_ONCE)
    if slot is None:
        tell(f"Waiting: {MOST_READ_AT_ONCE} uploads are being read on this machine, the most at a time.")
        slot = locks.take_one(slots, "read", MOST_READ_AT_ONCE, wait_s=wall_s)
        tell("")
    if slot is None:
        raise StoreError(f"{MOST_READ_AT_ONCE} uploads are being read, the most at a time. Try again in a minute.")
    with slot:
        _run(task, place, wall_s)


def _run(task: str, place: Path, wall_s: float) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed command
            command(task, place), env=environ(), capture_output=True, text=True, timeout=wall_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"The file was not read within {wall_s:.0f} seconds. Upload a smaller one.") from None
    if done.returncode == 0:
        return
    try:
        said = str(json.loads(done.stdout.splitlines()[-1])["problem"])
    except (ValueError, LookupError, TypeError):
        said = "The file could not be read within its bounds of time and memory. Upload a smaller one."
    raise DataError(said)
