"""Downloads from a server of the tests: whole or not at all, resumed, bounded, and the same bytes for ever."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routing import fetching
from routing.errors import DataError
from routing.fetching import LOCK_FILE, Fetcher, Lock, Missing, Network
from routing.sources.rows import Pinned

PINNED = Pinned("team/logs", "a" * 40, "some folder/x.json", "", "chat", "", True)
PATH = f"/raw/team/logs/{'a' * 40}/some%20folder/x.json"
DATA = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """What it serves, and how it misbehaves: ``cuts`` answers end early, ``sends`` says where a path leads."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.sends, self.cuts, self.asked, self.status, self.ranges = {}, {}, 0, [], {}, True

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        if self.path in server.sends:
            self.send_response(302)
            self.send_header("Location", server.sends[self.path])
            self.end_headers()
            return
        body = server.files.get(self.path)
        status = server.status.get(self.path, 200 if body is not None else 404)
        if status != 200:
            self.send_response(status)
            self.end_headers()
            return
        start = int(self.headers["Range"][6:-1]) if server.ranges and self.headers.get("Range") else 0
        if start and start >= len(body):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if server.cuts:
            server.cuts -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    one = Server()
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()
    thread.join()


def network(server, **more):
    usual = {"hosts": frozenset({"127.0.0.1"}), "schemes": frozenset({"http"}), "wait_s": 0.0}
    return Network(f"{server.address}/raw", f"{server.address}/media", **{**usual, **more})


@contextmanager
def fetching_into(folder, server, **more):
    folder.mkdir(exist_ok=True)
    fetcher = Fetcher(folder, network(server, **more))
    try:
        yield fetcher
    finally:
        fetcher.close()


def test_a_file_is_fetched_once_recorded_and_then_taken_from_the_folder(server, tmp_path):
    server.files[PATH] = DATA
    for _ in range(2):
        with fetching_into(tmp_path, server) as fetcher:
            assert fetcher.fetch(PINNED).path.read_bytes() == DATA
    assert len(server.asked) == 1
    known = json.loads((tmp_path / LOCK_FILE).read_text())["files"][PINNED.key]
    assert (known["sha256"], known["bytes"]) == (hashlib.sha256(DATA).hexdigest(), len(DATA))
    assert known["by"] == "first fetch"
    assert [p.suffix for p in (tmp_path / "downloads").iterdir()] == [".json"]


def test_a_connection_that_breaks_goes_on_where_it_ended(server, tmp_path):
    server.files[PATH], server.cuts = DATA, 2
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA
    half = len(DATA) // 2
    assert [asked for _, asked in server.asked] == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_a_server_that_knows_no_ranges_starts_again(server, tmp_path):
    server.files[PATH], server.cuts, server.ranges = DATA, 1, False
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA


def test_a_part_from_an_earlier_day_is_resumed_and_one_that_does_not_fit_thrown_away(server, tmp_path):
    server.files[PATH], server.cuts = DATA, 99
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(DataError, match="in 4 tries"):
        fetcher.fetch(PINNED)
    part = next((tmp_path / "downloads").glob("*.part"))
    server.cuts = 0
    part.write_bytes(part.read_bytes() + bytes(2 * len(DATA)))
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA


def test_other_bytes_than_those_recorded_are_refused_and_earlier_ones_stay(server, tmp_path):
    server.files[PATH] = DATA
    with fetching_into(tmp_path, server) as fetcher:
        path = fetcher.fetch(PINNED).path
    path.unlink()
    server.files[PATH] = DATA[:-1] + b"x"
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(DataError, match="so it is thrown away"):
        fetcher.fetch(PINNED)
    assert list((tmp_path / "downloads").iterdir()) == []
    server.files[PATH] = DATA
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA


def test_a_download_that_was_changed_on_disk_is_fetched_again(server, tmp_path):
    server.files[PATH] = DATA
    with fetching_into(tmp_path, server) as fetcher:
        fetcher.fetch(PINNED).path.write_bytes(b"changed")
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA


def pointer(data):
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n"
    )


def test_a_file_under_lfs_is_held_to_the_hash_that_its_pointer_names(server, tmp_path):
    server.files[PATH] = pointer(DATA).encode()
    server.files[PATH.replace("/raw/", "/media/")] = DATA
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA
        assert fetcher.lock.files[PINNED.key]["by"] == "git-lfs"
    server.files[PATH.replace("/raw/", "/media/")] = DATA + b"x"
    with fetching_into(tmp_path / "other", server) as fetcher, pytest.raises(DataError, match="LFS pointer names"):
        fetcher.fetch(PINNED)


def test_redirects_stay_among_known_hosts_and_are_counted(server, tmp_path):
    server.files["/there"] = DATA
    server.sends[PATH] = "/there"
    with fetching_into(tmp_path, server) as fetcher:
        assert fetcher.fetch(PINNED).path.read_bytes() == DATA
    for there, said in (
        (f"http://localhost:{server.server_port}/there", "is not asked"),
        ("file:///etc/passwd", "is not asked"),
        (PATH, "more than 3 times"),
    ):
        server.sends[PATH] = there
        with fetching_into(tmp_path / "other", server) as fetcher, pytest.raises(DataError, match=said):
            fetcher.fetch(PINNED)


def test_only_https_is_spoken_outside_tests(server, tmp_path):
    server.files[PATH] = DATA
    with (
        fetching_into(tmp_path, server, schemes=Network().schemes) as fetcher,
        pytest.raises(DataError, match="not asked"),
    ):
        fetcher.fetch(PINNED)
    assert server.asked == []
    assert Network().schemes == {"https"}
    assert all(host.endswith(".githubusercontent.com") for host in Network().hosts)


def test_what_is_not_there_is_said_at_once_and_a_failing_server_after_some_tries(server, tmp_path):
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(Missing, match="status 404"):
        fetcher.fetch(PINNED)
    assert len(server.asked) == 1
    server.status[PATH] = 503
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(DataError, match="status 503"):
        fetcher.fetch(PINNED)
    assert len(server.asked) == 1 + fetching.TRIES


def test_a_file_that_is_too_large_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "MOST_BYTES", 1000)
    server.files[PATH] = DATA
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(DataError, match="more than 1,000 bytes"):
        fetcher.fetch(PINNED)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with fetching_into(tmp_path, server) as fetcher, pytest.raises(DataError, match="Make room"):
        fetcher.fetch(PINNED)
    assert server.asked == []


@pytest.mark.parametrize("text", ["", "{", '{"files": {"x": {}}}', '{"files": {"x": {"sha256": "no"}}}', "[]"])
def test_a_damaged_lock_is_never_taken_for_an_empty_one(tmp_path, text):
    (tmp_path / LOCK_FILE).write_text(text)
    with pytest.raises(DataError, match="is damaged"):
        Lock.open(tmp_path / LOCK_FILE)


def test_paths_of_a_repository_never_become_paths_here(server, tmp_path):
    odd = Pinned("team/logs", "a" * 40, "../../../etc/x.json", "", "chat", "", True)
    server.files[f"/raw/team/logs/{'a' * 40}/../../../etc/x.json"] = DATA
    server.files["/raw/etc/x.json"] = server.files["/etc/x.json"] = DATA
    with fetching_into(tmp_path / "in", server) as fetcher:
        found = fetcher.fetch(odd)
    assert found.path.parent == tmp_path / "in" / "downloads"
