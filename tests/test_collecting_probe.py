"""Onboarding from outside: probes chosen as answers come, intervals that shrink, pasted figures, the commands."""

from dataclasses import replace

import numpy as np
import pytest

from routing.collecting.figures import parse_figures, share_of
from routing.collecting.learning import JOB, is_learned, learn
from routing.collecting.probe import Adaptive, probe_set
from routing.commands import onboard as commands_onboard
from routing.errors import DataError, GraphError, RoutingError
from routing.onboarding.benchmarks import Figure
from routing.onboarding.fit import fit
from routing.own import OwnExpert
from routing.registry import load_router
from routing.store import open_store
from routing.store.outcomes import Collected
from tests.loopback import Loopback

pytestmark = [
    # LiteLLM and httpx leave sockets to the collector, and LiteLLM uses what pydantic deprecates.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
KNOWN = ("MMLU-Pro", "MMLU-Pro law", "MMLU-Pro computer science", "GSM8K", "MATH level 5", "LiveCodeBench", "HumanEval")


@pytest.fixture(scope="module")
def probes():
    return probe_set(load_router())


def asked(probes, count, score):
    queue, done, order = Adaptive(probes, count), {}, []
    while (task := queue.take(done)) is not None:
        order.append(task.prompt_id)
        done[task.prompt_id] = Collected("x", task.prompt_id, score(task.prompt_id))
    return order, tuple(done.values())


def test_probes_are_chosen_by_what_came_back_and_never_twice(probes):
    good, _ = asked(probes, 25, lambda _: 1.0)
    bad, _ = asked(probes, 25, lambda _: 0.0)
    assert len(set(good)) == 25
    assert good[0] == bad[0]
    assert good != bad
    assert len({name.split("/")[0] for name in good}) >= 5, "several domains"


def test_intervals_shrink_with_more_probes_and_good_experts_stand_higher(probes):
    def width(outcomes):
        one = probes.standings(probes.skill(outcomes))[0]
        assert one.low <= one.score <= one.high
        return one.high - one.low

    _, outcomes = asked(probes, 60, lambda name: float(len(name) % 3 > 0))
    widths = [width(outcomes[:n]) for n in (0, 10, 30, 60)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0] / 2
    best, worst = (probes.skill(asked(probes, 30, always)[1]) for always in (lambda _: 1.0, lambda _: 0.0))
    assert probes.standings(best)[0].score > 0.9
    assert probes.standings(worst)[0].score < 0.3


def test_a_failed_probe_counts_as_unanswered(probes):
    rows, score = probes.rows_of([Collected("x", "math/sum", None), Collected("x", "math/gcd", 1.0)])
    assert len(rows) == 1
    assert list(score) == [1.0]


def test_a_failed_probe_is_replaced_by_another_and_not_asked_again(probes):
    queue, done = Adaptive(probes, 12), {}
    while (task := queue.take(done)) is not None:
        assert task.prompt_id not in done
        done[task.prompt_id] = Collected("x", task.prompt_id, None if len(done) % 4 == 3 else 1.0)
    assert sum(o.score is not None for o in done.values()) == 12


def test_what_was_answered_and_not_learned_is_seen(probes, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 't.db'}")
    assert is_learned(store, "", "x", probes, None), "nothing is kept"
    assert is_learned(store, "", "x", probes, probes.skill(())), "it came from elsewhere"
    store.outcomes.keep("", JOB, Collected("x", "math/sum", 1.0))
    assert not is_learned(store, "", "x", probes, None)
    skill = learn(store, "", "x", probes)
    assert is_learned(store, "", "x", probes, skill)
    assert not is_learned(store, "", "x", probes, replace(skill, graph_sha256="another"))
    store.outcomes.keep("", JOB, Collected("x", "math/gcd", 0.0))
    assert not is_learned(store, "", "x", probes, skill)
    store.close()


def test_figures_of_a_benchmark_that_the_router_does_not_know_count_for_nothing(probes):
    figures = [Figure("Of another router", 0.5, 0.1)]
    assert (probes.skill((), figures).mean == probes.skill(()).mean).all()
    queue = Adaptive(probes, 5, figures)
    assert queue.take({}) is not None


def test_probes_about_code_are_left_out_where_code_may_not_be_run(probes):
    queue, done = Adaptive(probes, len(probes.probes), with_code=False), {}
    while (task := queue.take(done)) is not None:
        assert not task.runs_code
        done[task.prompt_id] = Collected("x", task.prompt_id, None)
    assert len(done) == len(probes.probes) - len(probes.with_code)


def test_standings_hold_known_experts_and_every_domain(probes):
    found = probes.standings(probes.skill(()))
    assert found[0].title == "All probes"
    assert {s.title for s in found[1:]} >= {"Mathematics", "Code", "Law", "Translation"}
    assert all("smollm2-135m" in s.known for s in found)
    assert found[0].known["smollm2-135m"] < found[0].known["gpt-4o-mini"]


def test_a_router_without_a_basis_says_so(monkeypatch):
    router = load_router()
    monkeypatch.setattr(router, "basis", None)
    with pytest.raises(GraphError, match="cannot onboard"):
        probe_set(router)


PASTED = """
| Benchmark | Score |
|---|---:|
| **MMLU Pro** | 72.5 % |
| mmlu_pro (Law) | 61,2 |
| GSM8K (8-shot, CoT) | 0.943 |
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PASTED, {"MMLU-Pro": 0.725, "MMLU-Pro law": 0.612, "GSM8K": 0.943}),
        ("name,score\nGSM8K,92.3\nHumanEval,88", {"GSM8K": 0.923, "HumanEval": 0.88}),
        ("GSM8K\t92.3\nLiveCodeBench\t41.0%", {"GSM8K": 0.923, "LiveCodeBench": 0.41}),
        ("GSM8K 92.3 %\nMATH level 5: 55", {"GSM8K": 0.923, "MATH level 5": 0.55}),
        ("MMLU-Pro computer science; 70.1", {"MMLU-Pro computer science": 0.701}),
    ],
)
def test_figures_are_read_as_people_have_them(text, wanted):
    assert {f.benchmark: f.score for f in parse_figures(text, KNOWN)} == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "There is no figure"),
        ("GSM8K", "Line 1: 'GSM8K' has no figure"),
        ("GSM8K 192", "'192' is no score"),
        ("GSM8k 90\nHumanEvil 80", "Line 2: no benchmark is called 'HumanEvil'. Did you mean HumanEval"),
        ("GSM8K 90\ngsm-8k 91", "Line 2: GSM8K is there twice"),
        ("GSM8K | 90 | 80", "has 2 figures"),
        ("x" * 30_000, "30,000 characters"),
    ],
)
def test_a_bad_figure_is_named(text, told):
    with pytest.raises(DataError, match=told):
        parse_figures(text, KNOWN)


def test_shares():
    assert share_of("100", 1) == 1.0
    assert share_of("1", 1) == 1.0
    with pytest.raises(DataError, match="is no score"):
        share_of("-3", 1)


def test_figures_of_the_basis_fit(probes):
    text = "\n".join(f"{name} {60 + i % 5}" for i, name in enumerate(probes.basis.benchmarks))
    figures = parse_figures(text, probes.basis.benchmarks)
    assert len(figures) == len(probes.basis.benchmarks)
    skill = fit(probes.basis, np.empty((0, probes.axes.shape[1])), np.empty(0), figures=figures)
    assert skill.source == "published figures"
    assert 0.4 < probes.standings(skill)[0].score < 0.85


@pytest.fixture
def mine(tmp_path, monkeypatch, probes):
    """An own expert that answers, and the probes as they were encoded once, which takes seconds."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("routing.collecting.probe.probe_set", lambda _: probes)
    with Loopback() as server:
        store = open_store()
        store.experts.save(OwnExpert("normal-x", {}, server.url), "")
        yield store, server
        store.close()


def test_the_command_probes_keeps_the_skill_and_resumes(mine, capsys):
    store, server = mine
    commands_onboard.by_probe("normal-x", 6, None, 64, again=False)
    assert len(store.outcomes.all("", "onboarding", "normal-x")) == 6
    (own,) = store.experts.all("")
    assert own.skill["n_probes"] == 6
    assert "normal-x, from 6 probes" in capsys.readouterr().out
    before = len(server.requests)
    commands_onboard.by_probe("normal-x", 8, None, 64, again=False)
    assert len(server.requests) - before == 2
    with pytest.raises(RoutingError, match="price of normal-x is unknown"):
        commands_onboard.by_probe("normal-x", 8, 1.0, 64, again=False)
    with pytest.raises(RoutingError, match="--count was 10,000, and there are 176 probes"):
        commands_onboard.by_probe("normal-x", 10_000, None, 64, again=False)


def test_without_a_key_the_command_refuses_before_the_first_call(mine, monkeypatch, tmp_path):
    store, server = mine
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("routing.commands.read_secrets", dict)
    prompts, out, before = tmp_path / "p.csv", tmp_path / "out", len(server.requests)
    prompts.write_text("prompt,check,expected\nOne,regex,I am\n")
    said = "no key: add GEMINI_API_KEY or GOOGLE_API_KEY .* in the environment. Nothing was asked"
    with pytest.raises(RoutingError, match=said):
        commands_onboard.by_probe("gemini-2.5-pro", 6, None, 64, again=False)
    with pytest.raises(RoutingError, match=said):
        commands_onboard.collect(prompts, "normal-x,gemini-2.5-pro", out, None, None, 64, 4, False)
    with pytest.raises(RoutingError, match=said):
        commands_onboard.collect(prompts, "normal-x", out, "gemini-2.5-pro", None, 64, 4, False)
    assert store.outcomes.all("", "onboarding", "gemini-2.5-pro") == ()
    assert len(server.requests) == before
    assert not out.exists()


def test_failed_calls_are_no_answers(mine, probes, capsys):
    store, server = mine
    server.manners["normal-x"] = "status-400"
    with pytest.raises(RoutingError, match="calls in a row failed, so it is not asked on"):
        commands_onboard.by_probe("normal-x", 6, None, 64, again=False)
    server.manners.clear()
    told = commands_onboard._so_far(probes, store.outcomes.all("", "onboarding"))
    assert store.experts.all("")[0].skill is None
    assert told.startswith("0 answered, ")
    assert told.endswith(" failed")
    assert told in capsys.readouterr().err


def test_the_command_says_what_is_left_out_where_nothing_holds_code(mine, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("routing.bounded.is_filtered", lambda: False)
    commands_onboard.by_probe("normal-x", 5, None, 64, again=False)
    assert "22 probes about code are left out. The kernel" in capsys.readouterr().err
    prompts = tmp_path / "p.jsonl"
    tests = '{\\"function\\": \\"f\\", \\"calls\\": [[1]], \\"results\\": [1]}'
    prompts.write_text(f'{{"prompt": "One", "check": "code", "expected": "{tests}"}}\n')
    with pytest.raises(RoutingError, match=r"1 prompts have checks that run code.*--run-code"):
        commands_onboard.collect(prompts, "normal-x", tmp_path / "out", None, None, 64, 4, False)


def test_the_command_takes_figures(mine, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("routing.collecting.probe.probe_set", probe_set)  # as the command itself encodes them
    path = tmp_path / "figures.txt"
    path.write_text("GSM8K 90 %\nMMLU-Pro 70")
    commands_onboard.by_figures("normal-x", path)
    assert mine[0].experts.all("")[0].skill["n_figures"] == 2
    assert "from 2 published figures" in capsys.readouterr().out


def test_the_command_collects_and_resumes(mine, tmp_path, capsys):
    prompts, out = tmp_path / "p.csv", tmp_path / "out"
    prompts.write_text("prompt,check,expected\nOne,regex,I am\nTwo,regex,zebra\n")
    commands_onboard.collect(prompts, "normal-x", out, None, None, 64, 4, False)
    said = capsys.readouterr().err
    assert "2 outcomes on 2 prompts" in said
    assert f"train --data {out} --out {out / 'router'} --fewest 30" in said
    with pytest.raises(RoutingError, match="holds outcomes of an earlier run"):
        commands_onboard.collect(prompts, "normal-x", out, None, None, 64, 4, False)
    before = len(mine[1].requests)
    commands_onboard.collect(prompts, "normal-x", out, None, None, 64, 4, True)
    assert len(mine[1].requests) == before
    prompts.write_text("prompt\nOne\n")
    with pytest.raises(RoutingError, match="1 of 1 prompts have no check"):
        commands_onboard.collect(prompts, "normal-x", out, None, None, 64, 4, False)


def test_wrong_options_are_said():
    with pytest.raises(RoutingError, match="either --probe or --figures"):
        commands_onboard.onboard("normal-x")
    with pytest.raises(RoutingError, match="needs --data"):
        commands_onboard.onboard(None, validate=True)
