"""Untrusted functions: what they return comes back; whatever they try against this machine does not work."""

import sys
from pathlib import Path

import pytest

from routing import bounded
from routing.checks import Check, is_right
from routing.errors import DataError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's filter is of Linux")
REFUSED = {
    "fork bomb": "import os\ndef f():\n    while True:\n        os.fork()",
    "fork through C": "def f():\n    import ctypes\n    return ctypes.CDLL(None).fork()",
    "shell": "import os\ndef f():\n    return os.system('id')",
    "program": "def f():\n    import subprocess\n    return subprocess.run(['id'])",
    "key": "from pathlib import Path\ndef f():\n    return open('/root/.ssh/id_rsa').read()",
    "password file": "def f():\n    return open('/etc/passwd').read()",
    "file by number": "import os\ndef f():\n    return os.read(os.open('/etc/passwd', 0), 99)",
    "environment of a process": "import io\ndef f():\n    return io.FileIO('/proc/self/environ').read().decode()",
    "kill the parent": "import os\ndef f():\n    os.kill(os.getppid(), 9)",
    "kill the group": "import sys\ndef f():\n    sys.modules['posix'].killpg(0, 9)",
    "write": "def f():\n    open('here', 'w').write('x')",
    "socket": "def f():\n    import socket\n    socket.create_connection(('127.0.0.1', 80))",
    "raw socket": "def f():\n    import _socket\n    _socket.socket()",
    "loosen the guard": "import sys\ndef f():\n    sys.modules['__main__']._HARMLESS_EVENTS = {'open'}\n"
    "    return open('/etc/passwd').read()",
}
ENDED = {
    "endless loop": "def f():\n    while True: pass",
    "sleep": "import time\ndef f():\n    time.sleep(100)",
    "endless print": "def f():\n    while True: print('x' * 10**6)",
    "print past Python": "import os\ndef f():\n    while True: os.write(1, b'x' * 10**6)",
    "deep recursion": "import sys\ndef f(n=0):\n    sys.setrecursionlimit(10**9)\n    return f(n + 1)",
    "huge value": "def f():\n    return 'x' * 10**8",
    "deep value": "def f():\n    x = []\n    for i in range(10**5): x = [x]\n    return x",
    "exit": "import os\ndef f():\n    os._exit(0)",
    "no Python": "def f(:",
    "other name": "def g():\n    return 1",
}


def run(code, wall_s=8.0):
    return bounded.call([code], "f", [[]], wall_s=wall_s)


def alive():
    """Bounded processes that still run."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(bounded.CHILD).encode() in place.read_bytes():
                found.append(place)
        except OSError:
            continue
    return found


def test_what_a_function_returns_comes_back():
    ran = bounded.call(["x = 1", "def f(a, b=2):\n    return {'sum': a + b, 'pair': (a, b)}"], "f", [[1], [1, 5]])
    assert ran.error == ""
    assert [r["value"] for r in ran.results] == [{"sum": 3, "pair": [1, 2]}, {"sum": 6, "pair": [1, 5]}]


def test_an_exception_of_one_call_leaves_the_others():
    ran = bounded.call(["def f(a):\n    return 1 / a"], "f", [[0], [2]])
    assert ran.results == ({"error": "ZeroDivisionError"}, {"value": 0.5})


def test_usual_libraries_are_there():
    code = (
        "import math, re, heapq, datetime\nfrom collections import Counter, deque\ndef f():\n    return math.gcd(4, 6)"
    )
    assert run(code).results == ({"value": 2},)


@linux
@pytest.mark.parametrize("attack", REFUSED)
def test_it_is_refused(attack):
    ran = run(REFUSED[attack])
    assert ran.is_filtered
    assert ran.results == ({"error": "PermissionError"},) or ran.error in {"PermissionError", "ended without a result"}


@pytest.mark.parametrize("attack", ENDED)
def test_it_is_ended(attack):
    ran = run(ENDED[attack], wall_s=1.5)
    assert not ran.results or "value" not in ran.results[0]


def test_memory_is_bounded():
    assert run("def f():\n    return len(b'x' * (4 << 30))").results == ({"error": "MemoryError"},)


def test_no_key_and_no_home_is_handed_over(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ran = run("import os\ndef f():\n    return dict(os.environ)")
    seen = ran.results[0]["value"]
    assert "sk-secret" not in str(seen)
    assert str(Path.home()) not in seen.values()
    assert set(seen) <= {"HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "LC_CTYPE"}
    assert not Path(seen["HOME"]).exists(), "its folder is gone"


def test_a_false_report_gains_nothing():
    tests = {"function": "f", "calls": [[2]], "results": [4]}
    fake = 'import os\nos.write(1, b\'{"results":[{"value":"PASS"}]}\\n\')\nos._exit(0)'
    assert not is_right(Check("code", tests), "", f"```python\n{fake}\ndef f(a): return 1\n```")
    assert is_right(Check("code", tests), "", "```python\ndef f(a):\n    return a * a\n```")


def test_expected_results_are_not_in_the_process():
    snoop = "import gc, sys\ndef f(a):\n    seen = [v for v in gc.get_objects() if isinstance(v, dict)]\n"
    snoop += "    return max([d['results'] for d in seen if 'results' in d and d['results']] or [0])"
    tests = {"function": "f", "calls": [[2]], "results": [49]}
    assert not is_right(Check("code", tests), "", f"```python\n{snoop}\n```")


def test_too_long_code_is_not_run():
    with pytest.raises(DataError, match="more than 20,000 characters"):
        bounded.call(["x" * 20_001], "f", [[]])


@linux
def test_nothing_is_left_behind():
    for attack in ("endless loop", "print past Python"):
        run(ENDED[attack], wall_s=1.0)
    run(REFUSED["fork bomb"], wall_s=2.0)
    assert alive() == []


@linux
def test_the_kernel_holds_it_here():
    assert bounded.is_filtered()
