"""Files of public repositories at pinned commits: downloaded once, resumed, and held to what was recorded of them.

The commit in an address names the content, and the connection is checked by TLS; beyond that nobody vouches for a
file at its first fetch unless the repository keeps it under Git LFS, whose pointer states its SHA-256. The lock file
beside the tables says which it was, and every later fetch must give the same bytes.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from routing.errors import DataError
from routing.sources.rows import Fetched, Pinned

LOCK_FILE: Final = "fetch.lock.json"
FOLDER: Final = "downloads"
MOST_BYTES: Final = 150_000_000  # of one file
MOST_REDIRECTS: Final = 3
TRIES: Final = 4
_LEAST_FREE: Final = 1_000_000_000  # bytes of disk that stay free
_POINTER: Final = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")
_SETTLED: Final = frozenset({400, 401, 403, 404, 410, 451})  # asking again would give the same
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Network:
    """Where files come from; tests put their own server in its place.

    Args:
        raw: Beginning of the address of a file.
        media: Beginning of the address of a file under Git LFS.
        hosts: Hosts that may be asked, redirects included.
        schemes: Allowed schemes.
        wait_s: Pause before the second try; it doubles.
        transport: How to connect; None is the usual way.
    """

    raw: str = "https://raw.githubusercontent.com"
    media: str = "https://media.githubusercontent.com/media"
    hosts: frozenset[str] = frozenset({"raw.githubusercontent.com", "media.githubusercontent.com"})
    schemes: frozenset[str] = frozenset({"https"})
    wait_s: float = 1.0
    transport: httpx.BaseTransport | None = None


@dataclass(slots=True)
class Lock:
    """What is known of every file that was fetched: its SHA-256, size, day and who vouched for it."""

    path: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "Lock":
        """The lock of a folder; empty where there is none yet.

        Raises:
            DataError: It is damaged.
        """
        if not path.is_file():
            return cls(path)
        try:
            files = json.loads(path.read_text(encoding="utf-8"))["files"]
            good = all(re.fullmatch(r"[0-9a-f]{64}", known["sha256"]) for known in files.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise DataError(f"{path} is damaged ({problem}). Restore it, or delete it to fetch anew.") from problem
        if not good:
            raise DataError(f"{path} is damaged (a SHA-256 in it is none). Restore it, or delete it to fetch anew.")
        return cls(path, files)

    def record(self, pinned: Pinned, sha256: str, size: int, vouched: str) -> None:
        """Note a file, and write the lock at once and whole."""
        self.files[pinned.key] = {"sha256": sha256, "bytes": size, "day": date.today().isoformat(), "by": vouched}
        part = self.path.with_name(self.path.name + ".part")
        told = {"format": 1, "files": dict(sorted(self.files.items()))}
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(self.path)


class Missing(DataError):
    """The repository does not have a file at its commit."""


class Fetcher:
    """Fetches pinned files into a folder.

    Args:
        folder: Where the lock and the downloads lie.
        network: Where files come from.
        tell: Told of every file that is really downloaded.
    """

    def __init__(self, folder: Path, network: Network | None = None, tell: Tell = lambda text: None) -> None:
        self._network = network or Network()
        self._folder, self._tell = folder / FOLDER, tell
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lock = Lock.open(folder / LOCK_FILE)
        self._client = httpx.Client(
            follow_redirects=False, timeout=httpx.Timeout(60.0, connect=20.0), transport=self._network.transport,
            headers={"Accept-Encoding": "identity", "User-Agent": "thalamus-fetch"},
        )  # fmt: skip

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def fetch(self, pinned: Pinned) -> Fetched:
        """A file, from the folder where it lies there unchanged.

        Raises:
            Missing: The repository does not have it.
            DataError: It cannot be had whole, or it is not the file that was fetched before.
        """
        name = hashlib.sha256(pinned.key.encode()).hexdigest()[:24] + (Path(pinned.path).suffix or ".bin")
        path, known = self._folder / name, self.lock.files.get(pinned.key)
        if path.is_file() and known is not None and _sha256(path) == known["sha256"]:
            return Fetched(pinned, path)
        if shutil.disk_usage(self._folder).free < _LEAST_FREE + MOST_BYTES:
            raise DataError(f"Less than {(_LEAST_FREE + MOST_BYTES) / 1e9:.1f} GB of disk are free. Make room first.")
        part = path.with_name(path.name + ".part")
        where = f"{pinned.repository}/{pinned.commit}/{quote(pinned.path)}"
        vouched = "first fetch"
        self._download(f"{self._network.raw}/{where}", part, pinned)
        if (pointer := _pointer(part)) is not None:
            part.unlink()
            # A part of its own: bytes of the pointer and of the file never meet.
            part = path.with_name(path.name + ".media.part")
            self._download(f"{self._network.media}/{where}", part, pinned)
            vouched = "git-lfs"
            if _sha256(part) != pointer:
                self._refuse(part, pinned, pointer, "its Git LFS pointer names")
        seen = _sha256(part)
        if known is not None and seen != known["sha256"]:
            self._refuse(part, pinned, known["sha256"], f"{LOCK_FILE} recorded on {known.get('day', 'an earlier day')}")
        if known is None:
            self.lock.record(pinned, seen, part.stat().st_size, vouched)
        part.replace(path)
        self._tell(f"{pinned.repository}: {pinned.path} ({path.stat().st_size / 1e6:.1f} MB)")
        return Fetched(pinned, path)

    def _refuse(self, part: Path, pinned: Pinned, expected: str, who: str) -> None:
        seen = _sha256(part)
        part.unlink()
        raise DataError(
            f"{pinned.key} has SHA-256 {seen[:16]}, and {who} {expected[:16]}, so it is thrown away. Fetch it again; "
            "if it stays so, the file was changed."
        )

    def _download(self, url: str, part: Path, pinned: Pinned) -> None:
        """Bring the bytes to ``part``, going on where an earlier try ended."""
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self._network.wait_s * 2 ** (attempt - 1))
            try:
                self._take(url, part, pinned)
                return
            except (httpx.TransportError, _Again) as problem:
                why = " ".join(str(problem).split())[:160] or type(problem).__name__
        raise DataError(
            f"{pinned.key} could not be fetched in {TRIES} tries ({why}). Check the connection and run the command "
            "again: it goes on where it ended."
        )

    def _take(self, url: str, part: Path, pinned: Pinned) -> None:
        have = part.stat().st_size if part.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        for _ in range(MOST_REDIRECTS + 1):
            self._check(url, pinned)
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.is_redirect:
                    url = str(answer.url.join(answer.headers.get("Location", "")))
                    continue
                self._write(answer, part, have, pinned)
                return
        raise DataError(f"{pinned.key} is redirected more than {MOST_REDIRECTS} times. Try again later.")

    def _check(self, url: str, pinned: Pinned) -> None:
        parts = urlsplit(url)
        if parts.scheme not in self._network.schemes or parts.hostname not in self._network.hosts:
            allowed = ", ".join(sorted(self._network.hosts))
            raise DataError(
                f"{pinned.key} leads to {parts.scheme}://{parts.hostname}, which is not asked. Allowed: {allowed}."
            )

    def _write(self, answer: httpx.Response, part: Path, have: int, pinned: Pinned) -> None:
        if answer.status_code == 416 and have:
            part.unlink()  # what lies here is no beginning of the file
            raise _Again("the part that was here does not fit")
        if answer.status_code in _SETTLED:
            raise Missing(f"{pinned.key} is not to be had (status {answer.status_code}).")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise DataError(f"{pinned.key} is sent compressed, which was not asked for. Try again later.")
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code != 200 and not goes_on:
            raise _Again(f"status {answer.status_code}")
        done = have if goes_on else 0
        total = done + int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if goes_on else "wb") as file:
            for block in answer.iter_raw():
                done += file.write(block)
                if done > MOST_BYTES:
                    file.close()
                    part.unlink()
                    raise DataError(f"{pinned.key} has more than {MOST_BYTES:,} bytes, which is the most fetched.")
        if "Content-Length" in answer.headers and done != total:
            raise _Again(f"{done:,} of {total:,} bytes came")


class _Again(Exception):
    """A try failed in a way that the next may not."""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pointer(path: Path) -> str | None:
    """The SHA-256 that a Git LFS pointer names; None where the file is none."""
    with path.open("rb") as file:
        match = _POINTER.match(file.read(1024))
    return None if match is None else match[1].decode()


def vouched(lock: Lock) -> Mapping[str, int]:
    """How many files were vouched for by what."""
    ways = [str(known.get("by", "first fetch")) for known in lock.files.values()]
    return {way: ways.count(way) for way in dict.fromkeys(ways)}
