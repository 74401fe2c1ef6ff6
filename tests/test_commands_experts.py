"""Own experts on the command line: the app's database, in and out as LiteLLM's model_list."""

import json
from datetime import date

import pytest
import yaml

from routing.own import TYPED, OwnExpert
from tests.command_line import run
from tests.loopback import Loopback

DAY = date(2026, 11, 1)


def mine(address=None, **facts):
    told = {"title": "Mine", "litellm": "openai/mine", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0}
    return OwnExpert("mine", address=address).with_facts({**told, **facts}, TYPED, DAY)


def test_own_experts_are_listed_exported_and_imported(store, tmp_path):
    assert "No expert was added, changed or hidden yet." in run("experts").stderr
    store.experts.save(mine(), "")
    assert run("experts").stdout.startswith("mine  added  openai/mine  typed by you, 2026-11-01")
    file = tmp_path / "list.yaml"
    assert run("experts", "--export", str(file)).stderr == f"1 experts written to {file}.\n"
    assert yaml.safe_load(file.read_text())["model_list"][0]["model_name"] == "mine"
    store.experts.remove("mine", "")
    assert run("experts", "--import", str(file)).stderr.startswith("1 experts kept, 0 were here already.")
    assert store.experts.all("") == (mine(),)
    assert store.experts.all("somebody") == ()


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff", "cannot be read: it is not text in UTF-8 or UTF-16; save it as UTF-8."), (b"a: 1", "holds no model_list")]
)
def test_a_bad_file_is_one_sentence(store, tmp_path, content, says):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    done = run("experts", "--import", str(file))
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_of_ones_own_cannot_be_exported(store, tmp_path):
    done = run("experts", "--export", str(tmp_path / "x.yaml"))
    assert (done.returncode, "export all with --all" in done.stderr) == (2, True)
    assert not (tmp_path / "x.yaml").exists()


def test_route_knows_own_experts_when_told_to(store):
    store.experts.save(mine(), "")
    asked = ("route", "What is 2 + 2?", "--pool", "mine,gpt-4o-mini", "--json")
    assert "No expert is called 'mine'" in run(*asked).stderr
    found = json.loads(run(*asked, "--own").stdout)
    assert found["pick"] == "gpt-4o-mini"
    assert found["experts"]["mine"]["score"] is None
    assert found["experts"]["mine"]["cost_usd"] > 0


def test_answer_asks_an_own_address_and_knows_its_price(store):
    with Loopback() as server:
        store.experts.save(mine(server.url), "")
        (found,) = json.loads(run("answer", "Hello", "--experts", "mine", "--own", "--json").stdout)
    assert found["error"] is None
    assert found["cost_usd"] > 0
    assert found["cost_source"] == TYPED
