"""A Postgres of its own on loopback, from Debian's package, for the tests of the store; skipped where there is none.

with Postgres(folder) as url: ...
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser import free_port

SERVER_USER = "postgres"  # the server refuses to run as root


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
    run = {"user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder}
    subprocess.run([binaries / "initdb", "-D", data, "-A", "trust", "-U", "thalamus", "--no-sync"], check=True, **run)
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    subprocess.run(
        [binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], check=True, **run
    )
    try:
        yield f"postgresql+psycopg://thalamus@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], check=True, **run)
