"""The router as a whole on the shipped graph, the command line, and that both decide alike."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.catalog import load_catalog
from routing.commands import own_router
from routing.errors import CatalogError, GraphError, PromptError
from routing.objective import CONSTRAINTS, Typical, scale_of
from routing.predictors import DEFAULT
from routing.registry import load_router
from routing.report import decision_json
from routing.schema import Preferences
from tests import command_line

ROOT = Path(__file__).resolve().parent.parent
ROOT_2 = "Prove that the square root of 2 is irrational."


@pytest.fixture(scope="module")
def router():
    return load_router()


def run(*arguments):
    """The command line in a process of its own, as a person starts it."""
    command = [sys.executable, "-m", "routing", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_route_prints_everything_about_the_decision():
    done = run("route", ROOT_2 + " [Flag: cheap]", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["prompt"] == ROOT_2
    assert told["flags"] == ["cost=2.0"]
    assert told["pick"] in told["front"]
    assert told["order"][0] == told["pick"]
    picked = told["experts"][told["pick"]]
    assert 0 <= picked["score_low"] <= picked["score"] <= picked["score_high"] <= 1
    assert picked["cost_usd"] > 0
    assert picked["reason"]["kind"] == "picked"
    assert told["smallest_flip"]["expert"] != told["pick"]
    assert set(told["experts"]) == {e.name for e in load_catalog().experts}


@pytest.fixture(scope="module")
def loaded_once():
    """Commands of this process share a router, which takes half a second to load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_router, "load_router", functools.cache(load_router))
        yield


@pytest.mark.usefixtures("loaded_once")
@settings(max_examples=25)
@given(
    st.dictionaries(st.sampled_from(list(CONSTRAINTS)), st.sampled_from([0.01, 0.3, 2.0]), max_size=3),
    st.dictionaries(st.sampled_from(["cost", "size", "security"]), st.sampled_from([0.001, 1.0, 70.0]), max_size=2),
)
def test_the_command_line_and_the_app_decide_alike(weights, limits):
    router = own_router.load_router(name=DEFAULT)
    shown = decision_json(router.decide(router.read(ROOT_2), Preferences(weights, limits)))
    arguments = ["route", ROOT_2, "--json"]
    arguments += [part for n, w in weights.items() for part in ("--weight", f"{n}={w}")]
    arguments += [part for n, v in limits.items() for part in ("--limit", f"{n}={v}")]
    told = json.loads(printed(arguments))
    for key in ("pick", "order", "front", "flips", "weights", "limits"):
        assert told[key] == shown[key], key


def printed(arguments):
    """What a command prints, run in this process; it must end well."""
    done = command_line.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["route", ""], "The prompt is empty"),
        (["route", "[Flag: cheap]"], "The prompt is empty"),
        (["route", "Hi", "--weight", "cots=1"], "Did you mean 'cost'?"),
        (["route", "Hi", "--weight", "cost"], "it is written NAME=VALUE"),
        (["route", "Hi", "--weight", "cost=11"], "allowed is 0"),
        (["route", "Hi", "--pool", "gpt-4o-minni,o3-mini"], "Did you mean 'gpt-4o-mini'?"),
        (["route", "Hi", "--router", "blendd"], "blend"),
        (["evaluate", "--data", "/nowhere"], "nowhere"),
        (["answer", "Hi", "--experts", "gpt-5000"], "No expert is called 'gpt-5000'"),
        (["answer", "Hi [Flag: local only]", "--experts", "o3-mini"], "o3-mini is of tier"),
        (["answer", "Hi", "--experts", ""], "The pool is empty"),
        (["policy", "new", "x.yaml", "--name", "Team"], "does not end in .json"),
        (
            ["policy", "new", "/nowhere/x.json", "--name", "Team", "--weight", "cots=1"],
            "No constraint is called 'cots'",
        ),
        (["policy", "new", "/nowhere/x.json", "--name", "Team", "--pool", "nobody"], "nobody"),
        (["policy", "new", "/nowhere/x.json", "--name", "Team"], "/nowhere/x.json cannot be written"),
        (["weights", "gpt-4o-mini"], "gpt-4o-mini"),
    ],
)
def test_bad_input_is_one_sentence_and_a_failing_exit(arguments, sentence):
    told = command_line.run(*arguments)
    assert told.returncode == 2
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""


def test_a_policy_file_is_written_and_decides_as_its_options_do(tmp_path):
    file, settings = tmp_path / "team.json", ["--pool", "frontier4", "--weight", "cost=0.4", "--limit", "cost=0.002"]
    printed(["policy", "new", str(file), "--name", "Team", *settings])
    alone, by_file = (json.loads(printed(["route", ROOT_2, *o, "--json"])) for o in (settings, ["--policy", str(file)]))
    assert (by_file["pick"], by_file["order"]) == (alone["pick"], alone["order"])
    assert (by_file["weights"], by_file["limits"]) == ({"cost": 0.4}, {"cost": 0.002})
    assert "is there already" in command_line.run("policy", "new", file, "--name", "Team").stderr


def test_a_limit_that_none_keeps_says_so_in_text():
    assert "No expert keeps every limit" in printed(["route", ROOT_2, "--limit", "recency=1"])


def test_moving_a_limit_never_moves_a_point(router):
    reading = router.read(ROOT_2)
    free = router.decide(reading, Preferences()).decision.options
    bound = router.decide(reading, Preferences({}, {"cost": 0.001, "size": 8.0})).decision.options
    assert np.array_equal(free.score, bound.score, equal_nan=True)
    for name in CONSTRAINTS:
        assert np.array_equal(free.values[name], bound.values[name], equal_nan=True)
        assert np.array_equal(free.penalties[name], bound.penalties[name], equal_nan=True)


def test_an_unknown_price_is_no_cost_and_never_the_cheapest(router):
    unknown = [e.name for e in router.catalog.experts if e.price_in_usd_per_mtok is None]
    decision = router.route(ROOT_2, Preferences({"cost": 10.0})).decision
    for name in unknown:
        i = decision.options.index(name)
        assert np.isnan(decision.options.values["cost"][i])
        assert not decision.on_front[i]
        assert decision.pick != name


def test_a_prompt_over_the_context_is_infeasible_with_a_reason(router):
    decision = router.route("word " * 9000, Preferences()).decision
    small = [e.name for e in router.catalog.experts if (e.context_tokens or 1e9) <= 8192]
    reasons = [decision.reason(n) for n in small]
    assert any(r.kind == "context" and r.by > 0 for r in reasons)


def test_prompts_without_end_are_refused(router):
    with pytest.raises(PromptError, match="at most 1,000,000 are read"):
        router.read("x" * 1_000_001)


def test_penalties_do_not_depend_on_the_order_of_the_pool():
    catalog = load_catalog()
    typical = Typical(300.0, {"gpt-4o-mini": 200.0, "o1-preview": 900.0}, {})
    one = scale_of(catalog.subset(["gpt-4o-mini", "o1-preview"]), typical)
    other = scale_of(catalog.subset(["o1-preview", "gpt-4o-mini"]), typical)
    assert one == other
    assert one.cost_usd == pytest.approx((300 * 15 + 900 * 60) / 1e6)


def test_missing_assets_are_named(tmp_path):
    with pytest.raises(GraphError, match=r"router_card\.json"):
        load_router(tmp_path)


HEADER = (ROOT / "assets" / "experts.csv").read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: [], "lists no expert"),
        (lambda rows: [rows[0], rows[0]], "more than once"),
        (lambda rows: [rows[0] | {"price_in_usd_per_mtok": "cheap"}], "row 2: price_in_usd_per_mtok is 'cheap'"),
        (lambda rows: [rows[0] | {"price_in_usd_per_mtok": "-1"}], "is '-1'"),
        (lambda rows: [rows[0] | {"released": "yesterday"}], "released is 'yesterday'"),
        (lambda rows: [rows[0] | {"open_weights": "perhaps"}], "open_weights is 'perhaps'"),
        (lambda rows: [rows[0] | {"security_tier": "7"}], "allowed are 0 to 3"),
        (lambda rows: [rows[0] | {"name": ""}], "name is empty"),
    ],
)
def test_a_damaged_catalogue_names_row_and_column(change, sentence, tmp_path):
    import csv

    with (ROOT / "assets" / "experts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "experts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER.split(","))
        writer.writeheader()
        writer.writerows(change(rows))
    with pytest.raises(CatalogError, match=sentence):
        load_catalog(path)


def test_a_catalogue_without_a_column_or_a_file_is_refused(tmp_path):
    path = tmp_path / "experts.csv"
    path.write_text("name,title\na,A\n", encoding="utf-8")
    with pytest.raises(CatalogError, match="column 'security_tier' is missing"):
        load_catalog(path)
    path.write_bytes(b"name,title\n\xff\xfe,A\n")
    with pytest.raises(CatalogError, match="not a table in UTF-8"):
        load_catalog(path)
    with pytest.raises(CatalogError, match="There is no table of experts"):
        load_catalog(tmp_path / "none.csv")
