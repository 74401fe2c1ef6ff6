"""The inside of a bounded process: runs untrusted functions after it has given up everything it does not need.

Run as a script by ``routing.bounded``, never imported; it uses the standard library only. What is given up, in order:
processor time, memory and files by limits of the kernel; the network by a namespace of its own where allowed; every
system call that a computation does not need, new processes, sockets, files and signals among them, by a filter in the
kernel (Linux); and, on every system, the same by Python's audit events.
"""

import __future__

import ast
import builtins
import contextlib
import importlib
import io
import json
import os
import sys
from typing import Any

PLAIN = (
    "__future__ _strptime abc array ast base64 bisect calendar cmath collections collections.abc contextlib copy csv "
    "dataclasses datetime decimal enum fractions functools hashlib heapq itertools json math numbers operator queue "
    "random re statistics string struct textwrap time types typing unicodedata warnings"
)
# Events of Python that a computation causes; all others are refused, so a new way out is refused too.
_HARMLESS_EVENTS = {
    *("exec", "compile", "object.__getattr__", "object.__setattr__", "object.__delattr__", "builtins.id"),
    *("code.__new__", "function.__new__", "array.__new__", "sys._getframe", "gc.get_objects"),
    *("sys.excepthook", "sys.unraisablehook", "time.sleep"),
}
# Numbers of system calls, by machine. Source: the kernel's tables (asm/unistd_64.h, asm-generic/unistd.h): read write
# close fstat lseek mmap mprotect munmap brk mremap madvise rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack futex
# sched_yield nanosleep clock_nanosleep clock_gettime gettimeofday getrusage getrandom restart_syscall exit exit_group
_CALLS = {
    "x86_64": (0xC000003E, (0, 1, 3, 5, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 202, 24, 35, 230, 228, 96, 98, 318,
                            219, 60, 231)),
    "aarch64": (0xC00000B7, (63, 64, 57, 80, 62, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 98, 124, 101, 115,
                             113, 169, 165, 278, 128, 93, 94)),
}  # fmt: skip
_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES, _ALLOW, _REFUSE = 22, 2, 38, 0x7FFF0000, 0x00050000 | 1
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_LONGEST_VALUE = 100_000


def _limit(request: dict[str, Any]) -> None:
    import resource

    limits = {
        "RLIMIT_CPU": request["cpu_s"], "RLIMIT_AS": request["memory_bytes"], "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 16, "RLIMIT_NPROC": 0,
    }  # fmt: skip
    for name, most in limits.items():
        if hasattr(resource, name):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (most, most))


def _filter() -> bool:
    """Let the kernel refuse all but the calls that a computation needs; False where it cannot."""
    if not sys.platform.startswith("linux") or os.uname().machine not in _CALLS:
        return False
    import ctypes
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(_NEW_USER | _NEW_NETWORK)
    machine, calls = _CALLS[os.uname().machine]
    # struct sock_filter: code, jump if true, jump if false, constant. 0x20 loads a word, 0x15 compares, 0x06 returns.
    steps = [(0x20, 0, 0, 4), (0x15, 1, 0, machine), (0x06, 0, 0, _REFUSE), (0x20, 0, 0, 0)]
    steps += [(0x15, len(calls) - place, 0, call) for place, call in enumerate(calls)]
    steps += [(0x06, 0, 0, _REFUSE), (0x06, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SECCOMP, _FILTER, program, 0, 0) == 0)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event not in _HARMLESS_EVENTS:
        raise PermissionError(f"{event} is not allowed here")


class _Nowhere(io.TextIOBase):
    """Where printing goes."""

    def write(self, text: str) -> int:
        return len(text)


def _defined(codes: list[str], name: str) -> dict[str, Any]:
    """What the first of several texts that is Python and defines the function leaves behind.

    An example of use, or an import of what is not here, may fail: the function need not.
    """
    trouble = "SyntaxError"
    for code in codes:
        try:
            steps = ast.parse(code, "answer").body
            is_late = any(isinstance(step, ast.ImportFrom) and step.module == "__future__" for step in steps)
            flags = __future__.annotations.compiler_flag if is_late else 0
            whole = [compile(ast.Module([step], []), "answer", "exec", flags) for step in steps]
        except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
            trouble = type(problem).__name__
            continue
        space: dict[str, Any] = {"__name__": "answer"}
        trouble = "NameError"
        for step in whole:
            try:
                exec(step, space)  # noqa: S102 - this is what the process is for
            except Exception as problem:  # noqa: BLE001 - foreign code raises anything
                trouble = type(problem).__name__
        if callable(space.get(name)):
            return space
    raise ImportError(trouble)


def _returned(space: dict[str, Any], request: dict[str, Any]) -> list[dict[str, Any]]:
    if request["expression"]:
        return [{"repr": repr(eval(request["expression"], space))[:_LONGEST_VALUE]}]  # noqa: S307
    found: list[dict[str, Any]] = []
    for arguments in request["calls"]:
        try:
            found.append({"value": space[request["function"]](*arguments)})
        except Exception as problem:  # noqa: BLE001 - foreign code raises anything
            found.append({"error": type(problem).__name__})
    return found


def _plain(value: object) -> object:
    """Sets as sorted lists, anything else that JSON does not know as its name."""
    if isinstance(value, set | frozenset):
        with contextlib.suppress(TypeError):
            return sorted(value)
    return {"not plain": type(value).__name__}


def main() -> None:
    """Read the request, give everything up, run, and write one line of JSON."""
    request = json.load(sys.stdin)
    for name in PLAIN.split():
        importlib.import_module(name)
    sys.modules["random"].seed(0)
    _limit(request)
    is_filtered = _filter()
    sys.addaudithook(_audit)
    out, sys.stdout, sys.stderr = sys.stdout, _Nowhere(), _Nowhere()
    told: dict[str, Any] = {"is_filtered": is_filtered}
    try:
        told["results"] = _returned(_defined(request["codes"], request["function"]), request)
    except BaseException as problem:  # noqa: BLE001
        told["error"] = str(problem)[:80] if type(problem) is ImportError else type(problem).__name__
    try:
        line = json.dumps(told, default=_plain)
    except BaseException as problem:  # noqa: BLE001
        line = json.dumps({"is_filtered": is_filtered, "error": type(problem).__name__})
    builtins.print(line, file=out, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
