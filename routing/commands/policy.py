"""The commands about policy files: decide by one, show, compare and check them."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from routing.commands import say, write_whole
from routing.commands.experts import Own, own_experts
from routing.commands.options import Limits, Pool, Weights, listed, numbers, pool_of
from routing.commands.own_router import From, folder_of, open_router
from routing.errors import PolicyFileError, RoutingError
from routing.objective import CONSTRAINTS, check_preferences
from routing.own.extension import extended
from routing.policy_file import USUAL_FALLBACKS, PolicyFile, as_dict, capture, text
from routing.policy_file.diff import UNKNOWN_EFFECT, Change, Effect, changes, effect
from routing.policy_file.reading import from_dict, read_file
from routing.policy_file.use import SHORT, Ruling, apply, load, mismatch, ruled_json, ruled_text
from routing.report import number
from routing.router import Router
from routing.sample import SAMPLE_FILE, load_sample
from routing.schema import Preferences
from routing.telling import percent

app = typer.Typer(help="Write, show, compare and check policy files.", no_args_is_help=True, rich_markup_mode=None)
File = Annotated[Path, typer.Argument(help="Policy file, JSON or YAML.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Accept = Annotated[bool, typer.Option("--accept-router", help="Decide although the file was made for another graph.")]


def route_by(prompt: str, file: Path, place: Path | None, *, accept_other: bool, as_json: bool) -> None:
    """Decide on a prompt by a policy file and print the decision; ``place`` is that of an own router."""
    with folder_of(place) as folder:
        ruling = load(read_file(file), _opener(folder), accept_other=accept_other)
    for note in ruling.notes:
        say(f"Note: {note}")
    ruled = ruling.route(prompt)
    print(json.dumps(ruled_json(ruling, ruled), indent=2) if as_json else ruled_text(ruling, ruled))


def _opener(folder: Path) -> Callable[[str], Router]:
    return lambda name: open_router(folder, name)


def check_alone(**others: object) -> None:
    """Refuse options that a policy file settles already.

    Raises:
        RoutingError: One of them is given.
    """
    given = [name for name, value in others.items() if value]
    if given:
        raise RoutingError(
            f"--{given[0]} was given beside --policy, and the policy file settles it. Leave one of the two out."
        )


@app.command()
def new(  # noqa: PLR0913, PLR0917 - options of a command
    file: Annotated[Path, typer.Argument(help="Where to write it; it ends in .json.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    router: Annotated[str | None, typer.Option(help="Predictor or policy; a wrong name lists all.")] = None,
    pool: Pool = None,
    weight: Weights = None,
    limit: Limits = None,
    own: Own = False,
    flags: Annotated[str, typer.Option(help="What a flag may set: all, none, or constraints, by commas.")] = "all",
    fallbacks: Annotated[
        str, typer.Option(help="How many of the next best take over, or which experts, separated by commas.")
    ] = str(USUAL_FALLBACKS),
    note: Annotated[str, typer.Option(help="Why this version.")] = "",
    place: From = None,
) -> None:
    """Write a policy file of these settings, for the installed router or one of your own."""
    if file.suffix != ".json" or file.exists():
        why = "is there already" if file.exists() else "does not end in .json"
        raise RoutingError(f"{file} {why}. Give a new file that ends in .json.")
    with folder_of(place) as folder:
        bare = open_router(folder, router)
        wanted = Preferences(numbers(weight, "--weight"), numbers(limit, "--limit"), pool_of(pool, folder))
    check_preferences(wanted)
    mine = own_experts() if own else ()
    known = extended(bare, mine)
    if wanted.pool is not None:
        known.catalog.subset(wanted.pool)
    captured = capture(name, known, wanted, shipped=bare.catalog, own=mine, note=note)
    policy = from_dict(as_dict(captured) | {"flags": _flags(flags), "fallbacks": _fallbacks(fallbacks)})
    apply(bare, policy)
    write_whole(file, text(policy))
    whose = "" if place is None else f" --from {place}"
    say(f'{file} written. Decide by it with: python -m routing route "PROMPT" --policy {file}{whose}')


def _flags(text: str) -> str | list[str]:
    """What ``--flags`` says, as a policy file writes it.

    Raises:
        RoutingError: It says nothing.
    """
    names = list(listed(text))
    if not names:
        raise RoutingError(f"--flags was {text!r}; it is all, none, or constraints: {', '.join(CONSTRAINTS)}.")
    return names[0] if names in (["all"], ["none"]) else names


def _fallbacks(text: str) -> int | list[str]:
    """What ``--fallbacks`` says, as a policy file writes it.

    Raises:
        RoutingError: It says nothing.
    """
    try:
        return int(text)
    except ValueError:
        names = list(listed(text))
    if not names:
        raise RoutingError(f"--fallbacks was {text!r}; it is a number such as 2, 0 for none, or names of experts.")
    return names


@app.command()
def show(file: File) -> None:
    """What a policy file says, setting by setting."""
    print("\n".join(_lines(read_file(file))))


@app.command()
def diff(before: File, after: File, place: From = None, as_json: AsJson = False) -> None:
    """What changed between two policy files, and what that does to picks on the router's held-out prompts."""
    old, new = read_file(before), read_file(after)
    found, did = changes(old, new), None
    if found:
        try:
            with folder_of(place) as folder:
                did = effect(_accepted(old, folder), _accepted(new, folder), load_sample(folder / SAMPLE_FILE))
        except PolicyFileError as problem:  # what changed is known all the same
            say(f"Note: {problem}")
    print(json.dumps(_diff_json(found, did), indent=2) if as_json else "\n".join(_diff_lines(found, did)))


@app.command()
def check(file: File, place: From = None) -> None:
    """Whether a policy file can be read, fits the router, and names only known experts."""
    policy = read_file(file)
    with folder_of(place) as folder:
        router = open_router(folder, policy.router)
    if problem := mismatch(router, policy):  # first: on another graph its experts are unknown too
        raise RoutingError(problem)
    apply(router, policy)
    which = "installed router" if place is None else f"router of {place.name},"
    print(f"{policy.name!r} is a whole policy file and fits the {which} {policy.router!r}.")


def _lines(policy: PolicyFile) -> list[str]:
    told = as_dict(policy)
    experts = "every expert" if policy.pool is None else ", ".join(policy.pool)
    lines = [
        f"{policy.name}, made {policy.created}",
        f"router     {policy.router}, graph {policy.graph_sha256[:SHORT]}",
        f"experts    {experts}",
        f"weights    {_pairs(told['weights'])}",
        f"limits     {_pairs(told['limits'])}",
        f"flags      {_words(told['flags'])}",
        f"fallbacks  {_words(told['fallbacks'])}",
    ]
    if policy.own:
        lines.append(f"own facts  {', '.join(own.name for own in policy.own)}")
    lines += [f"accepted   {r.day}: graph {r.graph_after[:SHORT]} for {r.graph_before[:SHORT]}" for r in policy.rebound]
    if policy.note:
        lines += ["", policy.note]
    return [*lines, "", f"SHA-256 {policy.sha256}"]


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items()) or "none"


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _accepted(policy: PolicyFile, folder: Path) -> Ruling:
    """To compare, a file need not fit the router; a note says where it does not."""
    ruling = load(policy, _opener(folder), accept_other=True)
    for note in ruling.notes:
        say(f"Note: {note}")
    return ruling


def _diff_json(found: tuple[Change, ...], did: Effect | None) -> dict[str, Any]:
    told = [{"setting": c.setting, "before": c.before, "after": c.after} for c in found]
    if did is None:
        return {"changes": told, "effect": None}
    pairs = {
        name: [number(value) for value in getattr(did, name)] for name in ("score", "cost_usd", "share_unanswered")
    }
    moved = [{"from": old, "to": new, "prompts": n} for old, new, n in did.moved]
    whole = {"n_prompts": did.n_prompts, "share_changed": did.share_changed, **pairs, "moved": moved}
    return {"changes": told, "effect": whole}


def _diff_lines(found: tuple[Change, ...], did: Effect | None) -> list[str]:
    if not found:
        return ["Both say the same."]
    lines = [change.text for change in found]
    if did is None:
        return [*lines, "", f"What it does to picks is not known: {UNKNOWN_EFFECT}"]
    moved = percent(did.share_changed, ".1f")
    lines += ["", f"On {did.n_prompts:,} held-out prompts, {moved} get another pick."]
    scores = " to ".join("unknown" if math.isnan(score) else f"{score:.4f}" for score in did.score)
    costs = " to ".join("unknown" if math.isnan(cost) else f"${cost:.6f}" for cost in did.cost_usd)
    lines += [f"Mean predicted score {scores}.", f"Mean predicted cost {costs} an answer."]
    if any(did.share_unanswered):
        before, after = (percent(share, ".1f") for share in did.share_unanswered)
        lines.append(f"Without a feasible expert: {before} to {after}.")
    return lines
