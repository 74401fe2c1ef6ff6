"""Untrusted Python in a process of its own that can neither read, write, call out nor outlive its time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.errors import DataError
from routing.keys import harmless_environ

CHILD: Final = Path(__file__).with_name("bounded_child.py")
LONGEST_CODE: Final = 20_000  # characters
MOST_OUTPUT: Final = 1 << 20  # bytes read of what the process says
MEMORY_BYTES: Final = 512 << 20
CPU_S: Final = 4
WALL_S: Final = 12.0  # on a machine that is busy with a local expert, four seconds of processor take longer
_AT_ONCE = threading.Semaphore(2)
UNHELD: Final = (
    "The kernel of this system has no filter for the code that experts write: it would run behind limits of time and "
    "memory and Python's own guards only, which a clever attack may get round."
)
_NEEDED: Final = ("LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "TZ")


@dataclass(frozen=True, slots=True)
class Ran:
    """What came back from a bounded process.

    Args:
        results: One mapping a call: ``value`` holds what JSON knows, ``error`` the name of an exception, ``repr`` the
            text of an expression's value.
        error: Why nothing came back; empty where something did.
        is_filtered: Whether the kernel refused what a computation does not need, and not Python's own guards alone.
    """

    results: tuple[dict[str, Any], ...] = ()
    error: str = ""
    is_filtered: bool = False


def call(codes: Sequence[str], function: str, calls: Sequence[Sequence[Any]], *, wall_s: float = WALL_S) -> Ran:
    """Define a function by the first of several texts that works, and call it with each list of arguments."""
    return _run({"codes": _short(codes), "function": function, "calls": list(calls), "expression": ""}, wall_s)


def evaluate(code: str, function: str, expression: str, *, wall_s: float = WALL_S) -> Ran:
    """Define a function and evaluate one expression beside it."""
    return _run({"codes": _short([code]), "function": function, "calls": [], "expression": expression}, wall_s)


def is_filtered() -> bool:
    """Whether bounded processes of this machine are held by the kernel; else by limits and Python's guards only."""
    try:
        return _is_filtered()
    except DataError:
        return False


@cache
def _is_filtered() -> bool:
    """Kept once a process has answered.

    Raises:
        DataError: None did; nothing is known then, and the next who asks tries again.
    """
    ran = call(["def f():\n    return 1"], "f", [[]])
    if ran.error:
        raise DataError(f"Code cannot be run here ({ran.error}).")
    return ran.is_filtered


def _short(codes: Sequence[str]) -> list[str]:
    found = [code for code in codes if len(code) <= LONGEST_CODE]
    if not found:
        raise DataError(f"The code has more than {LONGEST_CODE:,} characters; it is not run.")
    return found


def _run(request: dict[str, Any], wall_s: float) -> Ran:
    request |= {"cpu_s": CPU_S, "memory_bytes": MEMORY_BYTES}
    with _AT_ONCE, tempfile.TemporaryDirectory(prefix="bounded-") as home:
        kept = {name: value for name, value in harmless_environ().items() if name in _NEEDED}
        process = subprocess.Popen(  # noqa: S603 - fixed command
            [sys.executable, "-I", "-S", "-B", str(CHILD)], cwd=home, env={**kept, "HOME": home, "TMPDIR": home},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        said, trouble = _listen(process, json.dumps(request).encode(), wall_s)
    return _read(said, trouble)


def _listen(process: "subprocess.Popen[bytes]", request: bytes, wall_s: float) -> tuple[bytes, str]:
    """What the process says until it ends, says too much or takes too long; afterwards its whole group is gone."""
    out, told = process.stdout, process.stdin
    if out is None or told is None:
        raise AssertionError("pipes were asked for")
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        _kill(process)

    watch = threading.Timer(wall_s, end)
    watch.daemon = True
    watch.start()
    said = b""
    try:
        with suppress(OSError):
            told.write(request)
            told.close()
        deadline = time.monotonic() + wall_s
        while len(said) <= MOST_OUTPUT and time.monotonic() < deadline:
            piece = os.read(out.fileno(), 1 << 16)
            if not piece:
                break
            said += piece
    finally:
        watch.cancel()
        # The group goes before its leader is waited for: until then its number cannot belong to anyone else.
        _kill(process)
        process.wait()
        out.close()
        with suppress(OSError):
            told.close()
    trouble = "too much output" if len(said) > MOST_OUTPUT else "out of time" if is_late.is_set() else ""
    return said, trouble


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(said: bytes, trouble: str) -> Ran:
    if trouble:
        return Ran(error=trouble)
    try:
        told = json.loads(said.decode().strip().splitlines()[-1])
        results = tuple(dict(r) for r in told.get("results", ()))
        return Ran(results, str(told.get("error", "")), bool(told.get("is_filtered")))
    except (ValueError, IndexError, AttributeError, TypeError, RecursionError):
        return Ran(error="ended without a result")
