"""What the commands of the command line do beyond parsing: progress on long work, tables, files written whole."""

import csv
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from routing.catalog import ASSETS, SECURITY_TIERS, Catalog, beyond_tier, load_catalog
from routing.cleaning import EMPTY, clean_prompt
from routing.errors import DataError, PreferenceError, PromptError, RoutingError
from routing.flags import Flag, parse
from routing.keys import KeyRing
from routing.outcomes import is_about
from routing.own import OwnExpert, addresses, compatible, merged, versions
from routing.own import priced as priced_addresses
from routing.schema import Answer, Expert
from routing.telling import percent

SECRETS = Path(".streamlit/secrets.toml")


def answer_all(
    prompt: str, names: Sequence[str], *, max_tokens: int, as_json: bool, own: Sequence[OwnExpert] = ()
) -> bool:
    """Ask experts, print their answers, and say whether any failed; ``own`` are those added or changed in the app."""
    from routing.answer import answers, same_request
    from routing.answer.client import Settings

    catalog = merged(load_catalog(), own).subset(names)
    parsed = parse(clean_prompt(prompt))
    if not parsed.prompt:
        raise PromptError(EMPTY)
    for warning in parsed.warnings:
        say(f"Note: {warning}")
    _check_tiers(catalog, parsed.flags)
    experts = catalog.experts
    ring = key_ring(own)
    found = answers(same_request(experts, parsed.prompt, Settings(max_tokens=max_tokens)), keys=ring)
    if as_json:
        print(json.dumps([_answer_json(a) for a in found], indent=2))
    else:
        print("\n\n".join(_answer_text(a) for a in found))
    return any(a.error is not None for a in found)


def key_ring(own: Sequence[OwnExpert]) -> KeyRing:
    """Keys of secrets.toml and the environment, and own experts' addresses."""
    return KeyRing(
        secrets=read_secrets(), endpoints=addresses(own), compatible=compatible(own), versions=versions(own),
        priced=priced_addresses(own),
    )  # fmt: skip


def _check_tiers(catalog: Catalog, flags: Sequence[Flag]) -> None:
    """Refuse to send a prompt further away than its own flags allow."""
    for flag in flags:
        far = beyond_tier(catalog.experts, flag.value)
        if flag.kind == "limit" and flag.constraint == "security" and far:
            raise PreferenceError(
                f"The prompt says {flag.text!r}, but {far[0].name} is of tier {far[0].security_tier} "
                f"({SECURITY_TIERS[far[0].security_tier]}). Remove the flag, or ask other experts."
            )


def read_secrets() -> dict[str, object]:
    """What ``.streamlit/secrets.toml`` holds; nothing where there is none.

    Raises:
        RoutingError: It is not TOML.
    """
    if not SECRETS.is_file():
        return {}
    try:
        return tomllib.loads(SECRETS.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        # The message quotes a place, never a value.
        raise RoutingError(f"{SECRETS} is not valid TOML ({problem}). Mend it; no key was read.") from problem


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {**asdict(answer), "error": None if answer.error is None else str(answer.error)}


def _answer_text(answer: Answer) -> str:
    if answer.error is not None and not answer.text:
        return f"== {answer.expert}\n{answer.error}"
    first = "unknown" if answer.time_to_first_token_s is None else f"{answer.time_to_first_token_s:.2f} s"
    cost = "unknown" if answer.cost_usd is None else f"${answer.cost_usd:.6f} ({answer.cost_source})"
    ending = "" if answer.is_complete else f"\n-- incomplete: {answer.error or answer.finish_reason or 'stopped'}"
    served = answer.served or "an unstated name"
    facts = f"-- served by {served}, first token {first}, {answer.latency_s:.2f} s, cost {cost}"
    note = f"\n-- {answer.note}" if answer.note else ""
    return f"== {answer.expert}\n{answer.text.strip()}\n{facts}{note}{ending}"


def priced(data: Path) -> tuple[Expert, ...]:
    """The catalogue's experts at the prices of experts.csv beside the data, where there is one.

    Figures of different evaluations compare only at the same prices, so the data's own list comes first.

    Raises:
        DataError: The file has no column ``expert``, ``price_in`` or ``price_out``, or a price is not a number.
    """
    path = data / "experts.csv"
    experts = load_catalog().experts
    if not path.is_file():
        return experts
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        listed = {r["expert"]: (_price(r["price_in"]), _price(r["price_out"])) for r in rows}
    except (KeyError, ValueError) as problem:
        raise DataError(
            f"{path} needs the columns expert, price_in and price_out with numbers ({problem}). "
            "Mend it, or remove it to use the catalogue's prices."
        ) from problem
    say(f"Prices of {len(listed)} experts are those of {path}")
    return tuple(
        replace(e, price_in_usd_per_mtok=listed[e.name][0], price_out_usd_per_mtok=listed[e.name][1])
        if e.name in listed
        else e
        for e in experts
    )


def _price(text: str) -> float | None:
    return float(text) if text.strip() else None


def check_prices() -> bool:
    """Compare the catalogue with LiteLLM's installed price map, and say whether they agree."""
    from routing.catalog_check import disagreements

    found = tuple(disagreements(load_catalog().experts))
    print("\n".join(d.text for d in found) or "The catalogue and LiteLLM's price map agree.")
    return not found


def train_router(data: Path, out: Path, form: str, fewest: int | None = None) -> None:
    """Fit and export a router; form "a" leaves the encoder as it is, "b" tunes it together with the heads.

    One on own tables, where no pool is named, is judged as the Train page does, and the verdict printed.
    ``fewest`` is how many training outcomes an expert needs, a fifth of them, but at least 20, from one source.
    """
    if form not in ("a", "b"):
        raise RoutingError(f"--form was {form!r}; it is a (frozen encoder) or b (encoder tuned with the heads).")
    from routing.training import train
    from routing.training.start import has_torch
    from routing.training.tables import USUAL, Fewest

    if form == "b" and not has_torch():
        raise RoutingError("--form b needs torch, which is not installed. Run: make setup-train.")
    local = ASSETS / "local_outcomes.csv"  # the expert on this machine, on prompts of the shipped training's data
    extra = local if local.is_file() and is_about(local, data) else None
    needed = USUAL if fewest is None else Fewest(fewest, max(20, fewest // 5))
    card = train(data, out, extra_outcomes=extra, form="a" if form == "a" else "b", fewest=needed, progress=say)
    if not card["measures"]:
        from routing.commands.verdict import say_verdict

        say_verdict(data, out)


def fetch_weights(expert: str) -> None:
    """Fetch the weights of a local expert, with progress on one line."""
    from routing.weights import fetch
    from routing.weights_sources import Progress

    def show(progress: Progress) -> None:
        if sys.stderr.isatty():
            print(f"\r{progress.note} {percent(progress.share):>5}", end="", file=sys.stderr)

    path = fetch(expert, show)
    say(f"{expert}: {path.name} is in place, its SHA-256 matches")


def measure_expert(expert: str, data: Path, count: int) -> None:
    """Measure a local expert and write its outcomes beside the graph."""
    from routing.measure import measure

    def show(done: int, total: int, note: str) -> None:
        if done % 10 == 0 or done == total:
            say(f"{done} of {total}: {note}")

    outcomes = measure(load_catalog()[expert], data, n=count, progress=show)
    mean = sum(o.score for o in outcomes) / len(outcomes)
    say(f"{expert}: mean score {mean:.3f} over {len(outcomes)} prompts")


def say(text: str) -> None:
    """Progress for people, apart from what a program may read from standard output."""
    print(text, file=sys.stderr, flush=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that an earlier one stays until the new one is complete.

    Raises:
        RoutingError: The folder does not exist or cannot be written to.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as problem:
        raise RoutingError(f"{path} cannot be written ({problem.strerror}). Choose another place.") from problem
