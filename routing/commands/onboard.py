"""The commands that ask experts in order to learn about them: onboard one, or collect outcomes on own prompts."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routing.commands import say
from routing.commands.calling import OWNER, check_budget, check_callable, everyone
from routing.commands.experts import app_store
from routing.errors import RoutingError
from routing.workshop.bounds import FEWEST_OUTCOMES

if TYPE_CHECKING:
    from routing.collecting import Collection
    from routing.collecting.files import OwnPrompts
    from routing.collecting.probe import ProbeSet
    from routing.onboarding.skill import Skill
    from routing.store.outcomes import Collected

Budget = Annotated[float | None, typer.Option(help="Most that all calls together may cost, in US dollars.", min=0.0)]
WithCode = Annotated[
    bool, typer.Option("--run-code", help="Run code that experts write even where the kernel cannot hold it.")
]
Longest = Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1, max=100_000)]


def onboard(  # noqa: PLR0913, PLR0917 - options of a command
    expert: Annotated[str | None, typer.Argument(help="Expert of the catalogue, or of your own.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Ask it probes; ends and resumes where it stopped.")] = False,
    count: Annotated[int, typer.Option(help="How many probes in all.", min=5)] = 60,
    figures: Annotated[Path | None, typer.Option(help="Published results: a benchmark and its score a line.")] = None,
    budget: Budget = None,
    max_tokens: Longest = 512,
    again: Annotated[bool, typer.Option("--again", help="Forget earlier outcomes of this expert first.")] = False,
    with_code: WithCode = False,
    validate: Annotated[bool, typer.Option("--validate", help="Leave known experts out and print the curves.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of outcomes, for --validate.")] = None,
    split: Annotated[str, typer.Option(help="Split to judge on, for --validate.")] = "test",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every measure of --validate here.")] = None,
    store: Annotated[bool, typer.Option("--store", help="Renew the shipped curves with --validate.")] = False,
) -> None:
    """Learn how good a new expert is, from probes it answers or from published figures."""
    if validate:
        if data is None:
            raise RoutingError("--validate needs --data, the folder of outcomes.")
        from routing.commands.validate import validate_onboarding

        validate_onboarding(data, split=split, json_file=json_file, store=store)
    elif expert is None or probe == (figures is not None):
        raise RoutingError("Say which expert, and either --probe or --figures FILE; or --validate --data DIR.")
    elif figures is not None:
        by_figures(expert, figures)
    else:
        by_probe(expert, count, budget, max_tokens, again=again, with_code=with_code)


def by_probe(
    name: str, count: int, budget: float | None, max_tokens: int, *, again: bool, with_code: bool = False
) -> None:
    """Ask an expert probes, each chosen by what is known so far, and keep what they say of it."""
    from dataclasses import replace

    from routing import bounded
    from routing.collecting import Collection, Desk, Manner
    from routing.collecting.learning import JOB, figures_of, learn
    from routing.collecting.probe import Adaptive, probe_set
    from routing.collecting.tasks import SETTINGS
    from routing.registry import load_router
    from routing.store import Place

    kept = app_store()
    catalog, keys = everyone(kept)
    expert = catalog[name]
    check_callable([expert], keys)
    check_budget([expert], keys, budget)
    probes = probe_set(load_router())
    if count > len(probes.probes):
        raise RoutingError(f"--count was {count:,}, and there are {len(probes.probes)} probes. Give as many or fewer.")
    if again:
        kept.outcomes.forget(OWNER, JOB, name)
    done = kept.outcomes.all(OWNER, JOB, name)
    desk = Desk(kept, Place(OWNER, f"command-{secrets.token_hex(6)}"), JOB, budget)
    with_code = with_code or bounded.is_filtered()
    if not with_code:
        say(f"{len(probes.with_code)} probes about code are left out. {bounded.UNHELD} To ask them: --run-code")
    settings = replace(SETTINGS, max_tokens=max_tokens)
    manner = Manner(settings=settings, unpriced=keys.unpriced, with_code=with_code)
    queue = Adaptive(probes, count, figures_of(kept, OWNER, name), with_code=with_code)
    running = Collection({expert: queue}, keys, desk, manner, done=done)
    _follow(running, len(done), lambda found: _so_far(probes, found))
    outcomes = running.outcomes()
    if not any(o.score is not None for o in outcomes):
        raise RoutingError(running.problems.get(name) or "No probe was answered. Try again.")
    tell_skill(name, probes, learn(kept, OWNER, name, probes))
    if problem := running.problems.get(name):
        raise RoutingError(f"{problem} What was answered is kept; the same command goes on from there.")


def by_figures(name: str, file: Path) -> None:
    """Fit an expert to published figures and keep that."""
    from routing.collecting.figures import parse_figures
    from routing.collecting.learning import keep_figures, learn
    from routing.collecting.probe import probe_set
    from routing.registry import load_router

    kept = app_store()
    everyone(kept)[0][name]
    probes = probe_set(load_router())
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise RoutingError(f"{file} cannot be read as text ({problem}). Give a text or CSV file.") from problem
    figures = parse_figures(text, probes.basis.benchmarks)
    keep_figures(kept, OWNER, name, figures)
    say(f"{len(figures)} figures: " + ", ".join(f"{f.benchmark} {f.score:.3f}" for f in figures))
    tell_skill(name, probes, learn(kept, OWNER, name, probes))


def collect(  # noqa: PLR0913, PLR0917 - options of a command
    prompts: Annotated[Path, typer.Argument(help="Prompts: CSV, JSONL or Parquet, with check and expected.")],
    experts: Annotated[str, typer.Option(help="Experts to ask, separated by commas.")],
    out: Annotated[Path, typer.Option(help="Folder for prompts.parquet and outcomes.parquet.")],
    judge: Annotated[str | None, typer.Option(help="Expert that grades what no check can.")] = None,
    budget: Budget = None,
    max_tokens: Longest = 512,
    at_once: Annotated[int, typer.Option(help="Most calls at the same time.", min=1, max=64)] = 4,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run ended.")] = False,
    with_code: WithCode = False,
) -> None:
    """Ask experts your own prompts and write the outcomes that `train` reads."""
    from dataclasses import replace

    from routing.collecting import Collection, Desk, Manner
    from routing.collecting.files import export, read_prompts
    from routing.collecting.judge import Grader
    from routing.collecting.tasks import SETTINGS, InOrder
    from routing.store import Place

    own, kept = read_prompts(prompts), app_store()
    for note in own.notes:
        say(f"Note: {note}")
    catalog, keys = everyone(kept)
    chosen = catalog.subset([name.strip() for name in experts.split(",") if name.strip()]).experts
    grader = None if judge is None else Grader(catalog[judge], keys)
    _check_prompts(own, is_judged=grader is not None, with_code=with_code)
    asked = [*chosen, *([grader.expert] if grader else [])]
    check_callable(asked, keys)
    check_budget(asked, keys, budget)
    job = f"collect:{hashlib.sha256(f'{out.resolve()}{own.digest}{judge}'.encode()).hexdigest()[:24]}"
    if not resume and ((out / "outcomes.parquet").exists() or kept.outcomes.all(OWNER, job)):
        raise RoutingError(f"{out} holds outcomes of an earlier run. Add --resume to go on, or give another folder.")
    kept.outcomes.check_room(OWNER, len(chosen) * len(own.tasks))
    done = kept.outcomes.all(OWNER, job)
    desk = Desk(kept, Place(OWNER, f"command-{secrets.token_hex(6)}"), job, budget)
    manner = Manner(replace(SETTINGS, max_tokens=max_tokens), at_once, grader, keys.unpriced, with_code)
    running = Collection({e: InOrder(own.tasks) for e in chosen}, keys, desk, manner, done=done)
    total = len(chosen) * len(own.tasks)
    _follow(running, len(done), lambda found: f"{sum(o.score is not None for o in found)} of {total} scored")
    n_prompts, n_outcomes = export(out, own, running.outcomes())
    say(f"{out}: {n_outcomes} outcomes on {n_prompts} prompts. Train on them with: {training_on(out)}")
    failed = total - n_outcomes
    if failed:
        why = "; ".join(running.problems.values()) or _first_error(running.outcomes())
        raise RoutingError(f"{failed} of {total} have no score: {why} Add --resume to ask these again.")


def training_on(data: Path) -> str:
    """The command that trains on collected outcomes, with as few of an expert as the Train page takes."""
    return f"python -m routing train --data {data} --out {data / 'router'} --fewest {FEWEST_OUTCOMES}"


def _check_prompts(own: "OwnPrompts", *, is_judged: bool, with_code: bool) -> None:
    """Refuse prompts that could not be scored, before anything is paid."""
    from routing import bounded

    if own.n_unchecked and not is_judged:
        raise RoutingError(f"{own.n_unchecked} of {len(own.tasks)} prompts have no check. Add --judge EXPERT for them.")
    if own.n_run and not (with_code or bounded.is_filtered()):
        raise RoutingError(f"{own.n_run} prompts have checks that run code. {bounded.UNHELD} To allow it: --run-code")


def tell_skill(name: str, probes: "ProbeSet", skill: "Skill | None") -> None:
    """Print what was learned."""
    if skill is None:
        return
    counts = {"probes": skill.n_probes, "published figures": skill.n_figures}
    source = " and ".join(f"{n} {what}" for what, n in counts.items() if n)
    print(f"{name}, from {source}: mean predicted score with its 90 % interval")
    for one in probes.standings(skill):
        print(f"  {one.title:14} {one.score:.3f}  ({one.low:.3f} to {one.high:.3f})")


def _so_far(probes: "ProbeSet", found: "Sequence[Collected]") -> str:
    scored = sum(o.score is not None for o in found)
    told = f"{scored} answered" + (f", {len(found) - scored} failed" if len(found) > scored else "")
    if not scored:
        return told
    one = probes.standings(probes.skill(found))[0]
    return f"{told}, predicted score {one.score:.3f} ({one.low:.3f} to {one.high:.3f})"


def _follow(running: "Collection", before: int, tell: Callable[["Sequence[Collected]"], str]) -> None:
    """Say how far it is whenever something ended; an interrupt stops it and keeps what is there."""
    said = before
    try:
        while True:
            is_over = not running.is_running
            found = running.outcomes()
            if len(found) != said:
                said = len(found)
                say(tell(found))
            if is_over:
                return
            running.wait(0.5)
    except KeyboardInterrupt:
        running.stop()
        running.wait(5.0)
        say("Stopped; what was answered is kept.")


def _first_error(outcomes: "Sequence[Collected]") -> str:
    return next((o.error for o in outcomes if o.error), "they were stopped.") or ""
