"""Trainings as processes: to the end, cancelled, orphaned, killed; and routers as zips, whoever made them."""

import io
import json
import os
import signal
import time
import zipfile

import numpy as np
import onnx
import pandas as pd
import pytest

from routing.catalog import ASSETS, load_catalog
from routing.encoder import load
from routing.errors import RoutingError, StoreError
from routing.own import OwnExpert
from routing.registry import load_routers
from routing.workshop import archive, imported, job, places, state
from routing.workshop.checking import check
from routing.workshop.columns import Columns
from routing.workshop.verdict import verdict

ANN, BOB, CAROL = "ann@example.org", "bob@example.org", "carol@example.org"
LONG = Columns("prompt", "model", "score", (), {"output_tokens": "tokens"}, "0 to 1")
PATIENCE_S = 120


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("workshop"))
    yield
    for owner in (ANN, BOB, CAROL):
        job.cancel(owner)
    if before is not None:
        os.environ["XDG_DATA_HOME"] = before


def log(count):
    """Two experts good at one kind of prompt each, and one that is middling at both."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(count):
        text = f"{('Add the numbers', 'Translate the sentence')[i % 2]} {' '.join(map(str, rng.integers(0, 99, 6)))}"
        for expert, chance in (("gpt-4o-mini", (0.95, 0.2)), ("gemini-1.5-pro", (0.2, 0.95)), ("mine", (0.5, 0.5))):
            rows.append((text, expert, str(int(rng.random() < chance[i % 2])), str(100 + i % 7)))
    return check(pd.DataFrame(rows, columns=["prompt", "model", "score", "tokens"], dtype=object), LONG, first_row=2)


def begin(owner, count=300, name="First"):
    known = {expert.name: expert for expert in load_catalog().experts}
    experts = [known.get(one) or OwnExpert(one).expert for one in ("gpt-4o-mini", "gemini-1.5-pro", "mine")]
    job.start(owner, log(count), name=name, form="a", current=ASSETS, experts=experts)


def ended(owner):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        now = job.now(owner)
        if now.status != "running":
            return now
        time.sleep(0.2)
    raise AssertionError(f"still running: {now}")


def leftovers(owner):
    home = places.home(owner)
    return [one.name for one in home.iterdir() if one.name.startswith(places.PART)]


@pytest.fixture(scope="module")
def trained(own_folder):
    begin(ANN)
    with pytest.raises(StoreError, match=r"A training of yours is running \(First\)"):
        begin(ANN)
    return ended(ANN)


def test_a_training_ends_with_a_router_that_loads_and_a_verdict(trained):
    assert (trained.status, trained.problem) == ("done", "")
    folder = places.folder(ANN, trained.router_id)
    card = load(folder).card
    assert card.experts == ("gemini-1.5-pro", "gpt-4o-mini", "mine")
    assert verdict(trained.measures).kind == "pays"
    assert {"blend", "prompt-blind", "random expert", "best single", "oracle"} <= set(
        trained.measures["own"]["trained"]
    )
    assert set(trained.measures["shared"]["current"]) == {"blend"}
    assert trained.graph_sha256 == card.raw["graph_sha256"]
    assert leftovers(ANN) == []
    router = load_routers(["blend"], folder)["blend"]
    assert router.route("Translate the sentence 5 7 9").decision.pick == "gemini-1.5-pro"
    assert router.route("Add the numbers 5 7 9").decision.pick == "gpt-4o-mini"
    assert not (places.home(ANN) / places.JOB / "data").exists()


def test_two_trainings_run_on_a_machine_and_cancelling_one_leaves_nothing(own_folder):
    begin(BOB, 4000)
    begin(CAROL, 4000)
    with pytest.raises(StoreError, match="2 trainings are running on this machine"):
        begin("dave@example.org")
    job.cancel(BOB)
    assert ended(BOB).status == "cancelled"
    assert leftovers(BOB) == []
    assert job.now(CAROL).status == "running"
    job.forget(CAROL)
    assert job.now(CAROL) is not None
    process = job._running[places.home(CAROL) / places.JOB]
    process.stdin.close()  # what the system does when the app is gone
    now = ended(CAROL)
    assert now.status == "failed"
    assert now.problem == "The app ended while it was training. Start it again."
    assert leftovers(CAROL) == []
    assert places.kept(CAROL) == []
    assert process.wait(10) == 3


def test_a_killed_training_is_said_to_be_interrupted(own_folder):
    begin(BOB, 4000)
    process = job._running[places.home(BOB) / places.JOB]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert ended(BOB).status == "interrupted"
    assert places.kept(BOB) == []
    assert not state.is_held(places.home(BOB) / places.JOB)
    job.forget(BOB)
    assert job.now(BOB) is None


def rezipped(whole, **changed):
    """The same zip with some files changed, removed (None) or added."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(into, "w") as new:
        files = {name: old.read(name) for name in old.namelist()} | changed
        for name, content in files.items():
            if content is not None:
                new.writestr(name, content, zipfile.ZIP_DEFLATED if len(content) > 100_000_000 else zipfile.ZIP_STORED)
    return into.getvalue()


@pytest.fixture(scope="module")
def whole(trained):
    return archive.packed(places.folder(ANN, trained.router_id))


def read(whole, name):
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        return found.read(name)


def with_card(whole, **changed):
    card = {**json.loads(read(whole, "router_card.json")), **changed}
    return rezipped(whole, **{"router_card.json": json.dumps(card).encode()})


def with_graph(whole, change):
    """Another graph, and a card that vouches for it."""
    from hashlib import sha256

    model = onnx.load_model_from_string(read(whole, "router.onnx"))
    change(model)
    content = model.SerializeToString()
    return rezipped(with_card(whole, graph_sha256=sha256(content).hexdigest()), **{"router.onnx": content})


def loop(model):
    inner = onnx.helper.make_graph([], "inner", [], [])
    model.graph.node.append(onnx.helper.make_node("If", [], [], then_branch=inner, else_branch=inner))


def outside(model):
    model.graph.initializer.append(onnx.TensorProto(name="x", dims=[1], data_type=1, data_location=1))
    model.graph.initializer[-1].external_data.add(key="location", value="/etc/passwd")


def grown(model):
    model.graph.node.append(onnx.helper.make_node("Tile", ["input_ids", "input_ids"], ["tiled"]))


def other_encoder(model):
    node = next(node for node in model.graph.node if node.op_type == "MatMulInteger")
    node.op_type = "MatMul"


HOSTILE = {
    "no zip": (lambda z: b"PK\x03\x04nonsense", r"no readable zip"),
    "a path": (lambda z: rezipped(z, **{"../../evil.py": b"x"}), r"holds '\.\./\.\./evil\.py'"),
    "a missing file": (lambda z: rezipped(z, **{"router.onnx": None}), r"lacks router\.onnx"),
    "a bomb": (lambda z: rezipped(z, **{"pools.json": b"0" * 150_000_000}), r"unpacks to .* MB; at most 100 MB"),
    "a tokenizer": (lambda z: rezipped(z, **{"tokenizer.json": b"{}"}), r"tokenizer\.json is not the tokenizer"),
    "another graph": (
        lambda z: with_card(z, graph_sha256="0" * 64),
        r"router\.onnx has SHA-256 .* the router card states",
    ),
    "no card": (lambda z: rezipped(z, **{"router_card.json": b"[" * 100_000}), r"router_card\.json is not JSON"),
    "a wrong card": (lambda z: with_card(z, mean_score="high"), r"mean_score: 'high' is not of type 'object'"),
    "a name with markup": (lambda z: with_card(z, experts=["<b>", "mine"]), r"names an expert wrongly: '<b>'"),
    "a source with markup": (lambda z: with_card(z, sources={"<i>": {}}), r"a source or a domain with markup"),
    "other experts": (lambda z: with_card(z, experts=["mine", "yours"]), r"numbers of one that it does not predict"),
    "methods not there": (
        lambda z: with_card(z, methods=["blend", "glider"]),
        r"methods|no output|missing|refused|arrays",
    ),
    "a branch": (lambda z: with_graph(z, loop), r"a graph inside 'If'"),
    "a file outside": (lambda z: with_graph(z, outside), r"refers to another file"),
    "an operator": (lambda z: with_graph(z, grown), r"the operator 'Tile' in its heads"),
    "another encoder": (lambda z: with_graph(z, other_encoder), r"another encoder|no encoder as ours"),
    "a sample of others": (
        lambda z: rezipped(z, **{"sample.npz": (ASSETS / "sample.npz").read_bytes()}),
        r"sample\.npz does not match the router card",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_gets_a_sentence_and_leaves_nothing(whole, kind, monkeypatch):
    # In this process, to be quick; an honest zip takes the way through the bounded one.
    monkeypatch.setattr(archive.children, "run", lambda task, place, wall_s: imported.check_files(place))
    change, message = HOSTILE[kind]
    with pytest.raises(RoutingError, match=message):
        archive.bring_in(BOB, change(whole))
    assert leftovers(BOB) == []
    assert places.kept(BOB) == []


def test_an_honest_zip_is_kept_as_it_was(whole):
    router_id, card = archive.bring_in(BOB, whole)
    folder = places.folder(BOB, router_id)
    assert card["name"] == "First"
    assert (folder / "router.onnx").read_bytes() == read(whole, "router.onnx")
    assert load(folder).experts == ("gemini-1.5-pro", "gpt-4o-mini", "mine")
    assert {path.name for path in folder.iterdir()} == set(archive.FILES)
