"""Arrays of the methods that are not part of the graph: one file beside it, numbers only."""

import zipfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.encoder import Card
from routing.errors import GraphError

METHODS_FILE: Final = "methods.npz"
Arrays = Mapping[str, NDArray[Any]]


def arrays_of(card: Card, name: str) -> Arrays:
    """The fitted arrays of one method: those in memory, else those beside the card.

    Raises:
        GraphError: The file is missing, damaged, not the one the card names, or lacks the method.
    """
    methods = card.methods
    if methods is None:
        if card.folder is None:
            raise GraphError(f"The router card is not on disk, so the arrays of {name!r} are nowhere; fit them first.")
        path = card.folder / METHODS_FILE
        methods = _read(path, _stamp(path), card.raw.get("methods_sha256"))
    if name not in methods:
        raise GraphError(f"{METHODS_FILE} has no method {name!r}; it has {', '.join(methods)}. Run: make train")
    return methods[name]


def save(methods: Mapping[str, Arrays], path: Path) -> str:
    """Write fitted methods; returns the SHA-256 that belongs into the card.

    Doubles are stored in single precision: twice the digits that a prediction needs.
    """
    flat = {
        f"{name}/{key}": values.astype(np.float32) if values.dtype == np.float64 else values
        for name, arrays in methods.items()
        for key, values in arrays.items()
    }
    np.savez_compressed(path, allow_pickle=False, **flat)
    return sha256(path.read_bytes()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is written anew."""
    try:
        found = path.stat()
    except OSError as problem:
        raise GraphError(
            f"{path.name} is missing ({problem.strerror}). Restore it with git, or: make train"
        ) from problem
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _read(path: Path, stamp: tuple[int, int], expected: str | None) -> dict[str, dict[str, NDArray[Any]]]:
    seen = sha256(path.read_bytes()).hexdigest()
    if expected is not None and seen != expected:
        raise GraphError(
            f"{path.name} has SHA-256 {seen[:12]} where the router card names {expected[:12]}; "
            "restore both with git, or: make train"
        )
    methods: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            for key in stored.files:
                name, _, part = key.partition("/")
                methods.setdefault(name, {})[part] = stored[key]
    except (OSError, ValueError, zipfile.BadZipFile) as problem:
        raise GraphError(f"{path.name} is damaged ({problem}). Restore it with git, or: make train") from problem
    return methods
