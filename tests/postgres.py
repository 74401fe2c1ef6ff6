"""A Postgres of its own on loopback, from Debian's package, for the tests of the store; skipped where there is none.

with postgres(folder) as url: ...
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest

from tests.browser import free_port

PATIENCE_S: Final = 60.0
SERVER_USER: Final = "postgres"  # the server refuses to run as root


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return None if path is None else Path(path).parent


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A running server whose files lie in a folder; yields the URL of an empty database."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no Postgres is installed: sudo apt-get install postgresql")
    user = None
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(SERVER_USER)
        except KeyError:
            pytest.skip("tests run as root and there is no user called postgres, as whom the server could run")
        user = SERVER_USER
        for parent in [*folder.parents][:-2]:  # pytest's folders are for their owner only
            if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o005 != 0o005:
                parent.chmod(parent.stat().st_mode | 0o055)
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()

    subprocess.run(
        [binaries / "initdb", "-D", data, "-A", "trust", "-U", "thalamus", "--no-sync"],
        user=user, check=True, stdout=subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"],
        user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    try:
        url = f"postgresql://thalamus@127.0.0.1:{port}/postgres"
        _wait_until_ready(url, server)
        yield url.replace("postgresql", "postgresql+psycopg")
    finally:
        server.terminate()
        server.wait(60)


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"Postgres did not answer within {PATIENCE_S:g} seconds")
