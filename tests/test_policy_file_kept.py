"""Policy files in the store and on the command line."""

import json
from dataclasses import replace

import pytest
import yaml

from routing.commands import policy as command
from routing.errors import RoutingError, StoreError
from routing.own import Fact, OwnExpert
from routing.policy_file import as_dict, text
from routing.policy_file.reading import LARGEST, parse
from routing.policy_file.use import apply
from routing.store import open_store
from routing.store import policies as kept_policies
from tests.command_line import run
from tests.test_policy_file import DAY, PROMPT, captured, reading, router


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 't.db'}")
    yield opened
    opened.close()


def test_versions_count_up_stay_as_they_were_and_survive_a_restart(tmp_path):
    url = f"sqlite:///{tmp_path / 't.db'}"
    first = open_store(url)
    assert first.policies.save(captured(), "a@b") == (1, True)
    assert first.policies.save(replace(captured(), created=DAY), "a@b") == (1, False)
    assert first.policies.save(replace(captured(), note="more"), "a@b") == (2, True)
    first.close()
    second = open_store(url)
    assert [k.version for k in second.policies.versions("Team default", "a@b")] == [2, 1]
    assert second.policies.open("Team default", "a@b", 1).policy == captured()
    assert second.policies.open("Team default", "a@b").policy.note == "more"
    assert [(n.name, n.newest, n.count) for n in second.policies.names("a@b")] == [("Team default", 2, 2)]
    assert not second.policies.names("")
    assert not second.policies.versions("Team default", "")
    with pytest.raises(StoreError, match="No policy file is called"):
        second.policies.open("Team default", "")
    second.close()


def test_deleting_never_frees_a_number(store):
    for note in "abc":
        store.policies.save(replace(captured(), note=note), "")
    with pytest.raises(StoreError, match="newest"):
        store.policies.delete("Team default", "", 3)
    store.policies.delete("Team default", "", 1)
    assert [k.version for k in store.policies.versions("Team default", "")] == [3, 2]
    store.policies.delete("Team default", "somebody")
    assert len(store.policies.names("")) == 1
    store.policies.delete("Team default", "")
    assert store.policies.names("") == []


def test_there_is_room_for_so_many_and_no_more(store, monkeypatch):
    monkeypatch.setattr(kept_policies, "MOST_NAMES", 2)
    monkeypatch.setattr(kept_policies, "MOST_VERSIONS", 2)
    for name in "ab":
        store.policies.save(replace(captured(), name=name), "")
    with pytest.raises(StoreError, match="2 policy files are kept"):
        store.policies.save(replace(captured(), name="c"), "")
    assert store.policies.save(replace(captured(), name="c"), "other")[1]
    store.policies.save(replace(captured(), name="a", note="2"), "")
    with pytest.raises(StoreError, match="has 2 versions"):
        store.policies.save(replace(captured(), name="a", note="3"), "")
    heavy = OwnExpert("x", {"title": Fact("x", "us", DAY)}, None, False, {"a": "b" * LARGEST})
    with pytest.raises(StoreError, match="at most 400,000"):
        store.policies.save(replace(captured(), own=(heavy,)), "")


def test_what_one_person_keeps_is_bounded_altogether(store, monkeypatch):
    store.policies.save(captured(), "")
    monkeypatch.setattr(kept_policies, "MOST_BYTES", len(text(captured())) + 100)
    with pytest.raises(StoreError, match="which is the most"):
        store.policies.save(captured(note="2"), "")
    assert store.policies.save(captured(), "other") == (1, True)


def test_the_command_line_decides_by_a_file_and_says_what_it_ignored(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(as_dict(captured(flags=()))), encoding="utf-8")
    done = run("route", PROMPT + " [Flag: cost=9]", "--policy", file, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    ruled = apply(router(), captured(flags=())).decide(reading())
    assert said["order"] == list(ruled.routed.decision.order)
    assert said["fallbacks"] == list(ruled.fallbacks)
    assert said["policy_file"]["sha256"] == parse(file.read_bytes()).sha256
    assert any("ignored by the policy file" in w for w in said["warnings"])
    clash = run("route", PROMPT, "--policy", file, "--weight", "cost=1")
    assert (clash.returncode, "Leave one of the two out" in clash.stderr) == (2, True)


def test_the_command_line_shows_compares_and_checks(tmp_path):
    one, two, other = (tmp_path / name for name in ("1.json", "2.json", "3.json"))
    one.write_text(text(captured()), encoding="utf-8")
    two.write_text(text(replace(captured(), weights={"cost": 3.0})), encoding="utf-8")
    other.write_text(text(replace(captured(), graph_sha256="0" * 64)), encoding="utf-8")
    assert "weights    cost=0.4" in run("policy", "show", one).stdout
    told = json.loads(run("policy", "diff", one, two, "--json").stdout)
    assert told["changes"] == [{"setting": "cost weight", "before": "0.4", "after": "3"}]
    assert told["effect"]["n_prompts"] > 1000
    assert "fits the installed router" in run("policy", "check", one).stdout
    bad = run("policy", "check", other)
    assert (bad.returncode, "000000000000" in bad.stderr) == (2, True)
    refused = run("route", PROMPT, "--policy", other)
    assert (refused.returncode, "accept this one" in refused.stderr) == (2, True)
    taken = run("route", PROMPT, "--policy", other, "--accept-router", "--json")
    assert "Accepted all the same" in json.loads(taken.stdout)["warnings"][0]
    assert run("policy", "show", tmp_path / "none.json").returncode == 2


def test_the_command_line_writes_every_setting_of_a_policy_file(tmp_path, monkeypatch):
    ours = OwnExpert("team-7b", {"params_b": Fact(7.0, "us", DAY)}, "http://10.0.0.7/v1")
    own = (ours, OwnExpert("o1-mini", is_hidden=True))
    monkeypatch.setattr(command, "open_router", lambda folder, name: router())
    monkeypatch.setattr(command, "own_experts", lambda: own)

    def new(**settings):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        command.new(file, "Team", **settings)
        return parse(file.read_bytes())

    plain = new()
    assert (plain.flags, plain.fallbacks, plain.pool, plain.own) == (None, 2, None, ())
    one = new(flags="cost, latency", fallbacks="team-7b,gpt-4o-mini", pool="team-7b,gpt-4o-mini", own=True)
    assert (one.flags, one.fallbacks) == (("cost", "latency"), ("team-7b", "gpt-4o-mini"))
    assert [(o.name, o.address) for o in one.own] == [("team-7b", None)]
    none = new(flags="none", fallbacks="0", own=True)
    assert (none.flags, none.fallbacks) == ((), 0)
    assert "o1-mini" not in none.pool
    assert "team-7b" in none.pool
    for settings, said in (
        ({"flags": "price"}, "flags has no key 'price'"),
        ({"flags": ""}, "--flags was ''"),
        ({"fallbacks": "21"}, "fallbacks is 21; it is a whole number from 0 to 20"),
        ({"fallbacks": ","}, "--fallbacks was ','"),
        ({"fallbacks": "gpt-4o-mni"}, "Did you mean 'gpt-4o-mini'"),
        ({"fallbacks": "o1-mini", "pool": "gpt-4o-mini"}, "fallback 'o1-mini' is not in the pool"),
        ({"pool": "team-7b"}, "No expert is called 'team-7b'"),
        ({"pool": "o1-mini", "own": True}, "No expert is called 'o1-mini'"),
    ):
        with pytest.raises(RoutingError, match=said):
            new(**settings)


def test_files_for_a_router_that_is_not_here_are_compared_and_refused_for_that_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "open_router", lambda folder, name: router())
    one = replace(captured(), graph_sha256="0" * 64, pool=("nobody",))
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text(text(one), encoding="utf-8")
    second.write_text(text(replace(one, weights={"cost": 3.0})), encoding="utf-8")
    command.diff(first, second)
    said = capsys.readouterr()
    assert "cost weight: 0.4 to 3" in said.out
    assert "No expert is called 'nobody'" in said.err
    with pytest.raises(RoutingError, match="was made for a graph with SHA-256 000000000000"):
        command.check(first)
