"""Locks that the system takes back when their process ends, however it ends."""

import fcntl
import time
from pathlib import Path
from typing import BinaryIO, Final

PAUSE_S: Final = 0.05


def take(path: Path, *, wait_s: float = 0.0) -> BinaryIO | None:
    """Hold a lock until the file that comes back is closed, or this process ends; None where another holds it.

    Args:
        path: The lock's file; it stays.
        wait_s: How long to try: whoever only asks ``is_held`` holds it for a moment too.
    """
    file = path.open("ab")
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                return None
            time.sleep(PAUSE_S)
        else:
            return file


def take_one(folder: Path, name: str, count: int, *, wait_s: float = 0.0) -> BinaryIO | None:
    """One of a number of locks that stand for places on this machine; None where all are held for that long.

    Args:
        folder: Where their files lie; made if need be.
        name: What they are for.
        count: How many there are.
        wait_s: How long to try.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    while True:
        taken = (take(folder / f"{name}{number}.lock") for number in range(count))
        found = next((lock for lock in taken if lock is not None), None)
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(PAUSE_S)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock now."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
