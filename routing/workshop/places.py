"""Where own routers, uploads and trainings of a person lie. No part of a path is text that somebody typed."""

import os
import re
import secrets
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

from routing.errors import StoreError
from routing.workshop.bounds import MOST_ROUTERS, MOST_ROUTERS_MB

UPLOAD: Final = "upload"
JOB: Final = "job"
PART: Final = ".part-"
SLOTS: Final = ".slots"  # locks that stand for places on this machine
_ID: Final = re.compile(r"[0-9a-f]{16}")


def root() -> Path:
    """Folder of everything that people trained, beside the default database."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "thalamus" / "routers"


def home(owner: str) -> Path:
    """Folder of one person."""
    return root() / sha256(owner.encode()).hexdigest()[:32]


def new_id() -> str:
    """A name for a router's folder."""
    return secrets.token_hex(8)


def folder(owner: str, router_id: str) -> Path:
    """Folder of one router.

    Raises:
        StoreError: That is no name that ``new_id`` gives.
    """
    if not _ID.fullmatch(router_id):
        raise StoreError(f"No router of yours lies in {router_id[:40]!r}.")
    return home(owner) / router_id


def size_mb(place: Path) -> float:
    """What lies in a folder, in megabytes."""
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e6


def kept(owner: str) -> list[Path]:
    """Folders of finished routers."""
    place = home(owner)
    return sorted(found for found in place.iterdir() if _ID.fullmatch(found.name)) if place.is_dir() else []


def check_room(owner: str) -> None:
    """Whether one more router may be kept.

    Raises:
        StoreError: There are as many, or they take as much of the disk, as a person may have.
    """
    mine = kept(owner)
    used = sum(size_mb(one) for one in mine)
    if len(mine) >= MOST_ROUTERS:
        raise StoreError(f"You keep {len(mine)} routers, which is the most. Remove one below, then try again.")
    if used >= MOST_ROUTERS_MB:
        raise StoreError(
            f"Your routers take {used:,.0f} MB; at most {MOST_ROUTERS_MB} MB are kept. Remove one below, then try "
            "again."
        )


def remove(place: Path) -> None:
    """Delete a folder with everything in it; nothing where there is none."""
    shutil.rmtree(place, ignore_errors=True)
