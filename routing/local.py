"""Experts that run on this machine: started on first use, shared by all sessions, gone with the process."""

import atexit
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from routing import weights
from routing.errors import LocalFailed
from routing.keys import Secret, harmless_environ
from routing.schema import Expert

SYSTEM_MESSAGE = "You are a helpful assistant."
# Tokens of prompt and answer together: all that the weights were trained for, as in the catalogue.
CONTEXT_TOKENS: Mapping[str, int] = {"smollm2-135m": 8192, "qwen2.5-coder-0.5b": 32768}
START_TIMEOUT_S = 90.0
_USUAL_START_S = 3.0
_STOP_TIMEOUT_S = 3.0
_MAX_THREADS = 4  # half the cores, at most this: on busy cores two threads wait for each other and are ten times slower
OnStart = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """Where a running local expert answers: OpenAI's API on loopback, with a key made for this run."""

    url: str
    key: Secret


class _Child:
    """One running server process."""

    def __init__(self, name: str, path: Path) -> None:
        self.key = Secret(secrets.token_urlsafe(24))
        self.url = ""
        self._lines: queue.Queue[str] = queue.Queue()
        self._log: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "routing.local_server"],
            cwd=weights.ROOT,
            env=harmless_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._read(self._process.stdout, self._lines.put)
        self._read(self._process.stderr, self._log.append)
        request = {
            "weights": str(path),
            "alias": name,
            "context_tokens": CONTEXT_TOKENS.get(name, 4096),
            "threads": max(1, min(_MAX_THREADS, (os.cpu_count() or 2) // 2)),
            "key": self.key.reveal(),
        }
        self._write(json.dumps(request))

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, title: str, tell: OnStart) -> None:
        """Wait until the server has loaded its weights and has answered once.

        Raises:
            LocalFailed: It ended, or took too long.
        """
        began = time.monotonic()
        while not self.url:
            passed = time.monotonic() - began
            tell(f"Starting {title} on this machine", min(0.8, 0.8 * passed / _USUAL_START_S))
            try:
                self.url = json.loads(self._lines.get(timeout=0.1))["address"] + "/v1"
            except queue.Empty:
                self._check(title, passed)
        tell(f"Warming up {title}", 0.9)
        try:
            _warm(self.url, self.key, START_TIMEOUT_S - (time.monotonic() - began))
        except (OSError, ValueError) as error:
            raise LocalFailed(f"{title} started but did not answer on this machine ({error}): try again.") from error
        tell(f"{title} is ready", 1.0)

    def _check(self, title: str, passed: float) -> None:
        if not self.is_alive:
            last = next((line.strip() for line in reversed(self._log) if line.strip()), "no message")
            raise LocalFailed(
                f"{title} did not start on this machine (exit code {self._process.returncode}, {last[:160]!r}): "
                "try again; if it fails again, delete the folder .weights and run make setup."
            )
        if passed > START_TIMEOUT_S:
            raise LocalFailed(
                f"{title} did not start within {START_TIMEOUT_S:.0f} s on this machine: close other programs, "
                "then try again."
            )

    def stop(self) -> None:
        """End the process: politely, then at once."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait(_STOP_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
            except OSError:
                pass  # it ended at once; wait() tells why

    @staticmethod
    def _read(stream: IO[str] | None, keep: Callable[[str], None]) -> None:
        def drain() -> None:
            try:
                for line in stream or ():
                    keep(line)
            except ValueError:
                return  # closed by stop()

        threading.Thread(target=drain, daemon=True, name="local-expert-log").start()


class LocalExperts:
    """The local experts of this process, each started once. Safe to use from any thread.

    Args:
        directory: Where the weights lie.
    """

    def __init__(self, directory: Path = weights.DIRECTORY) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._children: dict[str, _Child] = {}

    def is_installed(self, name: str) -> bool:
        """Whether the expert's weights are here and verified."""
        return name in weights.WEIGHTS and weights.ready(weights.known(name), self._directory) is not None

    def is_running(self, name: str) -> bool:
        """Whether the expert's server is up."""
        child = self._children.get(name)
        return child is not None and bool(child.url) and child.is_alive

    def address(self, name: str, title: str | None = None, on_start: OnStart | None = None) -> LocalAddress:
        """Where the expert answers; starts it if it is not running, or no longer running.

        Args:
            name: The expert.
            title: Its name for people.
            on_start: Called with a note and a share in [0, 1] while it starts.

        Raises:
            LocalFailed: Its weights are missing, or it did not start twice in a row.
        """
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            child = self._children.get(name)
            if child is None or not child.is_alive:
                child = self._start(name, title or name, on_start or _silent)
            return LocalAddress(child.url, child.key)

    def _start(self, name: str, title: str, tell: OnStart) -> _Child:
        stale = self._children.pop(name, None)
        if stale is not None:
            stale.stop()
        path = self._weights(name, title)
        for is_last in (False, True):
            child = _Child(name, path)
            try:
                child.wait(title, tell)
            except LocalFailed:
                child.stop()
                if is_last:
                    raise
            else:
                self._children[name] = child
                return child
        raise AssertionError("unreachable")

    def _weights(self, name: str, title: str) -> Path:
        if name not in weights.WEIGHTS:
            listed = ", ".join(sorted(weights.WEIGHTS))
            raise LocalFailed(f"{title} cannot run on this machine: no weights are listed for it, only for {listed}.")
        path = weights.ready(weights.known(name), self._directory)
        if path is None:
            raise LocalFailed(
                f"{title} has no weights on this machine: run {weights.known(name).command}, then try again."
            )
        return path

    def stop(self, name: str | None = None) -> None:
        """Stop one expert, or all of them; they start again on their next use."""
        for one in [name] if name else list(self._children):
            child = self._children.pop(one, None)
            if child is not None:
                child.stop()


def weights_of(expert: Expert) -> str:
    """Under which name the weights of an expert on this machine lie: its own, or that of its LiteLLM name."""
    served = (expert.litellm or "").rpartition("/")[2]
    return served if expert.name not in weights.WEIGHTS and served in weights.WEIGHTS else expert.name


@cache
def local_experts() -> LocalExperts:
    """The one instance of this process; stopped when the process ends."""
    experts = LocalExperts()
    atexit.register(experts.stop)
    return experts


def _warm(url: str, key: Secret, timeout_s: float) -> None:
    """Ask for one token, so that the first real prompt finds pages loaded and the system message read."""
    messages = [{"role": "system", "content": SYSTEM_MESSAGE}, {"role": "user", "content": "Hello"}]
    body = json.dumps({"messages": messages, "max_tokens": 1, "temperature": 0}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key.reveal()}"}
    request = urllib.request.Request(f"{url}/chat/completions", body, headers)  # noqa: S310 - loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=max(1.0, timeout_s)) as answer:
        answer.read()


def _silent(note: str, share: float) -> None:
    pass
