"""Zips of routers as somebody might have changed them."""

import io
import itertools
import json
import zipfile
from hashlib import sha256

import numpy as np
import onnx

from routing.catalog import ASSETS


def rezipped(whole, **changed):
    """The same zip with some files changed, removed (None) or added."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(into, "w") as new:
        files = {name: old.read(name) for name in old.namelist()} | changed
        for name, content in files.items():
            if content is not None:
                new.writestr(name, content, zipfile.ZIP_DEFLATED if len(content) > 100_000_000 else zipfile.ZIP_STORED)
    return into.getvalue()


def read(whole, name):
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        return found.read(name)


def with_card(whole, **changed):
    card = {**json.loads(read(whole, "router_card.json")), **changed}
    return rezipped(whole, **{"router_card.json": json.dumps(card).encode()})


def with_graph(whole, change):
    """Another graph, and a card that vouches for it."""
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


def product(model):
    """Two small constants whose product fills the memory."""
    for name, dims in (("tall", (22_000, 1)), ("broad", (1, 22_000))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(dims, np.float32), name))
    model.graph.node.append(onnx.helper.make_node("MatMul", ["tall", "broad"], ["square"]))


def doubling(model):
    """Numbers of the prompt beside themselves, over and over."""
    names = ["input_ids"] + [f"double_{i}" for i in range(16)]
    model.graph.node.extend(
        onnx.helper.make_node("Concat", [one, one], [two], axis=1) for one, two in itertools.pairwise(names)
    )


def gathered(model):
    """One row of constants, taken as often as a long list of places says."""
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1, 3_000), np.float32), "row"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(9_000, np.int64), "places"))
    model.graph.node.append(onnx.helper.make_node("Gather", ["row", "places"], ["rows"]))


def shaped_by_text(model):
    """A size that the words of the prompt decide."""
    model.graph.node.append(onnx.helper.make_node("Reshape", ["attention_mask", "input_ids"], ["reshaped"]))


def more_outputs(model):
    model.graph.output.append(onnx.helper.make_tensor_value_info("secret", 1, None))
    model.graph.node.append(onnx.helper.make_node("Identity", ["score"], ["secret"]))


def many(model):
    model.graph.node.extend(onnx.helper.make_node("Identity", ["input_ids"], [f"copy_{i}"]) for i in range(3_000))


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
    "a product of constants": (lambda z: with_graph(z, product), r"would hold 48\d,\d{3},\d{3} numbers for one prompt"),
    "a doubling": (lambda z: with_graph(z, doubling), r"would hold 33,\d{3},\d{3} numbers for one prompt"),
    "a row many times": (lambda z: with_graph(z, gathered), r"would hold 27,\d{3},\d{3} numbers for one prompt"),
    "a size by the text": (
        lambda z: with_graph(z, shaped_by_text),
        r"whose size does not follow|does not fit together",
    ),
    "another output": (lambda z: with_graph(z, more_outputs), r"other outputs than training writes"),
    "too many operators": (lambda z: with_graph(z, many), r"operators and .* constants in its heads; at most 2,000"),
    "another encoder": (lambda z: with_graph(z, other_encoder), r"another encoder|no encoder as ours"),
    "a sample of others": (
        lambda z: rezipped(z, **{"sample.npz": (ASSETS / "sample.npz").read_bytes()}),
        r"sample\.npz does not match the router card",
    ),
    "what onboards other experts": (
        lambda z: rezipped(z, **{"onboarding.npz": (ASSETS / "onboarding.npz").read_bytes()}),
        r"onboarding\.npz does not match the router card",
    ),
    "no arrays": (lambda z: rezipped(z, **{"onboarding.npz": b"PK"}), r"onboarding\.npz is damaged"),
    "a spread that cannot be": (lambda z: with_basis(z, covariance=-1.0), r"onboarding\.npz does not match"),
    "numbers that are none": (lambda z: with_basis(z, mean=np.nan), r"onboarding\.npz does not match"),
}


def with_basis(whole, **factors):
    """The same zip with some arrays of onboarding multiplied."""
    into = io.BytesIO()
    with np.load(io.BytesIO(read(whole, "onboarding.npz"))) as stored:
        arrays = {name: stored[name] * factors[name] if name in factors else stored[name] for name in stored}
    np.savez_compressed(into, **arrays)
    return rezipped(whole, **{"onboarding.npz": into.getvalue()})
