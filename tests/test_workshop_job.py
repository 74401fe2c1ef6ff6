"""Trainings as processes: to the end, cancelled, orphaned, killed; and routers as zips, whoever made them."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from routing import commands
from routing.catalog import ASSETS, load_catalog
from routing.commands import own_router
from routing.commands.policy import route_by
from routing.commands.report import evaluate_all
from routing.encoder import load
from routing.errors import DataError, PolicyFileError, PreferenceError, RoutingError, StoreError
from routing.own import OwnExpert
from routing.policy_file import capture, text
from routing.registry import load_routers
from routing.schema import Preferences
from routing.workshop import archive, imported, job, places, state
from routing.workshop.checking import check
from routing.workshop.columns import Columns
from routing.workshop.verdict import verdict
from tests.router_zips import HOSTILE, read

ANN, BOB, CAROL, DORA = "ann@example.org", "bob@example.org", "carol@example.org", "dora@example.org"
LONG = Columns("prompt", "model", "score", (), {"output_tokens": "tokens"}, "0 to 1")
PATIENCE_S = 600


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


@pytest.fixture(scope="module")
def whole(trained):
    return archive.packed(places.folder(ANN, trained.router_id))


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_gets_a_sentence_and_leaves_nothing(whole, kind, monkeypatch):
    # In this process, to be quick; an honest zip takes the way through the bounded one.
    monkeypatch.setattr(archive.children, "run", lambda task, place, **_: imported.check_files(place))
    change, message = HOSTILE[kind]
    with pytest.raises(RoutingError, match=message):
        archive.bring_in(BOB, change(whole))
    assert leftovers(BOB) == []
    assert places.kept(BOB) == []


def test_an_honest_zip_is_kept_as_it_was(whole, trained):
    router_id, card = archive.bring_in(DORA, whole)
    folder = places.folder(DORA, router_id)
    assert card["name"] == "First"
    assert (folder / "router.onnx").read_bytes() == read(whole, "router.onnx")
    assert load(folder).experts == ("gemini-1.5-pro", "gpt-4o-mini", "mine")
    assert {path.name for path in folder.iterdir()} == set(archive.FILES)
    trained_here = load_routers(["blend"], places.folder(ANN, trained.router_id))["blend"].basis
    np.testing.assert_array_equal(load_routers(["blend"], folder)["blend"].basis.mix, trained_here.mix)


def test_the_command_line_judges_a_router_of_ones_own_on_its_own_test_prompts(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(archive.children, "run", lambda task, place, **_: imported.check_files(place))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    file, told, checked = tmp_path / "mine.zip", tmp_path / "told.json", log(300)
    file.write_bytes(whole)
    checked.prompts.drop(columns="split").to_parquet(tmp_path / "prompts.parquet")
    checked.outcomes.to_parquet(tmp_path / "outcomes.parquet")

    def judged(*, data=tmp_path, **options):
        options = {"split": "test", "routers": [], "pools": [], "json_file": told, "place": file} | options
        evaluate_all(data, **options)
        return json.loads(told.read_text(encoding="utf-8"))

    found = judged(routers=["all"])
    rows = {row["router"]: row for row in found}
    assert {"blend", "linear", "prompt-blind", "best single", "oracle"} <= set(rows)
    assert "mirt" not in rows
    assert {row["pool"] for row in found} == {"trained"}
    assert rows["blend"]["n_prompts"] == (checked.prompts["split"] == "test").sum()
    assert rows["blend"]["above_best_single"] > 0.1
    with pytest.raises(PreferenceError, match="This router has no method 'mirt'; it offers blend"):
        judged(routers=["mirt"])
    with pytest.raises(PreferenceError, match="held-out refits methods on the data, so it cannot judge"):
        judged(protocol="held-out")
    (tmp_path / "pools.json").write_text(json.dumps({"ours": ["mine", "yours"], "all": ["mine", "gpt-4o-mini"]}))
    assert [row["pool"] for row in judged(pools=["all"])] == ["all"]
    outcomes = checked.outcomes.replace({"expert": {"gpt-4o-mini": "yours"}})
    outcomes.to_parquet(tmp_path / "outcomes.parquet")
    with pytest.raises(DataError, match=r"Of the pool 'ours' this router predicts 1, and two .* not know 'yours'"):
        judged(pools=["ours"])


def test_the_command_line_decides_by_a_router_of_ones_own(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(archive.children, "run", lambda task, place, **_: imported.check_files(place))
    file, policy = tmp_path / "mine.zip", tmp_path / "policy.json"
    file.write_bytes(whole)
    with own_router.folder_of(file) as folder:
        router = own_router.open_router(folder)
    captured = capture("Ours", router, Preferences({"cost": 0.1}), shipped=router.catalog)
    policy.write_text(text(captured), encoding="utf-8")
    route_by("Add the numbers 5 7 9", policy, file, accept_other=False, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["pick"], set(said["experts"])) == ("gpt-4o-mini", {"gemini-1.5-pro", "gpt-4o-mini", "mine"})
    commands.policy.new(tmp_path / "new.json", "New", weight=["cost=0.1"], place=file)
    assert capsys.readouterr().err.rstrip().endswith(f"--policy {tmp_path / 'new.json'} --from {file}")
    commands.policy.check(policy, file)
    assert "fits the router of mine.zip, 'blend'" in capsys.readouterr().out
    with pytest.raises(PolicyFileError, match=r"on the command line with --from"):
        route_by("Add the numbers", policy, None, accept_other=False, as_json=True)
    other = tmp_path / "other.json"
    other.write_text(text(replace(captured, weights={"cost": 9.0})), encoding="utf-8")
    commands.policy.diff(policy, other, file, as_json=True)
    assert json.loads(capsys.readouterr().out)["effect"]["n_prompts"] > 50
    with pytest.raises(DataError, match=r"none\.zip cannot be opened .* the folder that train wrote, or the zip"):
        route_by("x", policy, tmp_path / "none.zip", accept_other=False, as_json=True)
    with pytest.raises(DataError, match=r"holds no router_card\.json, so no router"):
        route_by("x", policy, tmp_path, accept_other=False, as_json=True)
