"""Ask every odd server on the command line, and print how many answers were kept or told truly (a minute)."""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from types import SimpleNamespace
from typing import Any

from routing.own import OwnExpert
from routing.store import open_store
from tests.odd_server import MODES, OddServer, wrong

PROMPT = "How low do whales sing?"
# The command line cannot ask for JSON, so nothing can refuse that.
ASKED = tuple(name for name in MODES if name != "refuses-json")


def main() -> None:
    """One command asks all of them at once, as own experts of a database made for that."""
    began = time.monotonic()
    found = answered()
    bad = {name: claims for name in ASKED if (claims := wrong(found[name], MODES[name]))}
    for name in ASKED:
        one = found[name]
        said = one.error or f"{one.text[:40]!r}, {one.finish_reason}{f', {one.note}' if one.note else ''}"
        print(f"{'WRONG ' + ', '.join(bad[name]) if name in bad else 'right'}: {name}: {' '.join(said.split())[:150]}")
    passed = time.monotonic() - began
    print(f"\n{len(ASKED)} modes tried, {len(ASKED) - len(bad)} right, {date.today().isoformat()}, {passed:.0f} s")
    sys.exit(1 if bad else 0)


def answered() -> dict[str, Any]:
    """What ``python -m routing answer`` prints about each."""
    with tempfile.TemporaryDirectory() as folder, OddServer() as server:
        url = f"sqlite:///{folder}/odd.db"
        store = open_store(url)
        for name in ASKED:
            store.experts.save(OwnExpert(name, address=server.url).with_facts({}, "", date.today()), "")
        store.close()
        command = [sys.executable, "-m", "routing", "answer", PROMPT, "--experts", ",".join(ASKED), "--own", "--json"]
        done = subprocess.run(
            [*command, "--max-tokens", "50000"], env={**os.environ, "THALAMUS_DATABASE_URL": url}, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
    if not done.stdout:
        sys.exit(done.stderr)
    return {one["expert"]: SimpleNamespace(**one) for one in json.loads(done.stdout)}


if __name__ == "__main__":
    main()
