"""The command line: the same decision as the app, and the work behind it."""

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from routing.commands import experts as commands_experts
from routing.commands import onboard as commands_onboard
from routing.commands import own_router
from routing.commands import people as commands_people
from routing.commands import policy as commands_policy
from routing.commands.options import Limits, Pool, Weights, listed, numbers, pool_of, prompt_of, with_whole_texts
from routing.errors import RoutingError
from routing.report import decision_json, decision_text
from routing.schema import Preferences

app = typer.Typer(
    help="Choose which language model should answer which prompt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(commands_policy.app, name="policy")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Data = Annotated[Path, typer.Option(help="Folder with prompts.parquet and outcomes.parquet.")]


@app.command()
def route(  # noqa: PLR0913, PLR0917 - options of a command
    prompt: Annotated[str, typer.Argument(help="The prompt; '-' reads it from standard input.")],
    router: Annotated[str | None, typer.Option(help="Predictor or policy; a wrong name lists all.")] = None,
    pool: Pool = None,
    weight: Weights = None,
    limit: Limits = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file that settles everything else.")] = None,
    accept_router: commands_policy.Accept = False,
    own: commands_experts.Own = False,
    place: own_router.From = None,
    as_json: AsJson = False,
) -> None:
    """Decide which expert should answer a prompt, and say why."""
    text = prompt_of(prompt)
    if policy is not None:
        commands_policy.check_alone(router=router, pool=pool, weight=weight, limit=limit, own=own)
        commands_policy.route_by(text, policy, place, accept_other=accept_router, as_json=as_json)
        return
    preferences = Preferences(numbers(weight, "--weight"), numbers(limit, "--limit"))
    with own_router.folder_of(place) as folder:
        loaded = own_router.open_router(folder, router)
        preferences = replace(preferences, pool=pool_of(pool, folder))
    if own:
        loaded = commands_experts.with_own(loaded)
    routed = loaded.route(text, preferences)
    print(json.dumps(decision_json(routed), indent=2) if as_json else decision_text(routed, loaded.catalog))


@app.command()
def answer(
    prompt: Annotated[str, typer.Argument(help="The prompt; '-' reads it from standard input.")],
    experts: Annotated[str, typer.Option(help="Experts to ask, separated by commas.")],
    max_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 512,
    own: commands_experts.Own = False,
    as_json: AsJson = False,
) -> None:
    """Ask experts side by side; keys come from the environment or .streamlit/secrets.toml."""
    from routing.commands import answer_all

    kept = commands_experts.own_experts() if own else ()
    failed = answer_all(prompt_of(prompt), listed(experts), max_tokens=max_tokens, as_json=as_json, own=kept)
    raise typer.Exit(1 if failed else 0)


@app.command()
def evaluate(
    data: Data,
    split: Annotated[str, typer.Option(help="train, validation, test, or all.")] = "test",
    router: Annotated[
        list[str] | None, typer.Option(help="Predictor, policy, or 'all'; may be given several times.")
    ] = None,
    pool: Annotated[list[str] | None, typer.Option(help="Pool of pools.json; may be given several times.")] = None,
    protocol: Annotated[
        str, typer.Option(help="split, or held-out: refit without whole tasks and sources, and judge on these.")
    ] = "split",
    place: own_router.From = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every measure to this file.")] = None,
) -> None:
    """Judge routers on measured outcomes: oracle ladder, AIQ, cost at best single, calibration."""
    from routing.commands.report import evaluate_all

    evaluate_all(
        data, split=split, routers=router or [], pools=pool or [], json_file=json_file, protocol=protocol, place=place
    )


@app.command()
def report(
    data: Annotated[Path | None, typer.Option(help="Folder with prompts.parquet and outcomes.parquet.")] = None,
    split: Annotated[str, typer.Option(help="The split to judge on.")] = "test",
    refits: Annotated[bool, typer.Option(help="Refit for held-out, shuffled labels and learning curves.")] = True,
    reuse: Annotated[bool, typer.Option("--reuse", help="Take kept refits even where the code has changed.")] = False,
    from_stored: Annotated[bool, typer.Option("--from-stored", help="Only renew the README's tables.")] = False,
) -> None:
    """Measure everything the Evidence page shows, store it, and renew the README's tables."""
    from routing.commands.report import report_all

    report_all(data, split=split, with_refits=refits, from_stored=from_stored, reuse=reuse)


@app.command()
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for router.onnx, tokenizer.json and the router card.")],
    form: Annotated[str, typer.Option(help="a: encoder frozen (minutes); b: encoder tuned too (hours).")] = "a",
    fewest: Annotated[
        int | None, typer.Option(help="Training outcomes that an expert needs; 1000 if not given.", min=30)
    ] = None,
) -> None:
    """Fit the router on outcomes and export it to one ONNX graph."""
    from routing.commands import train_router

    train_router(data, out, form, fewest)


@app.command()
def choose(
    data: Data,
    expert: Annotated[str, typer.Option(help="The LLM that is asked to choose.")] = "smollm2-135m",
    split: Annotated[str, typer.Option(help="train, validation, test, or all.")] = "test",
    count: Annotated[int, typer.Option(help="At most so many prompts of every pool.", min=1)] = 100,
) -> None:
    """Ask an LLM to choose the expert from descriptions, the baseline of Tryage, and keep how well it did."""
    from routing.chooser_run import choose_all

    choose_all(data, expert, split=split, n=count)


@app.command()
def weights(expert: Annotated[str, typer.Argument(help="Local expert whose weights to fetch.")]) -> None:
    """Fetch the weights of a local expert; they count only if their SHA-256 matches."""
    from routing.commands import fetch_weights

    fetch_weights(expert)


@app.command()
def measure(
    data: Data,
    expert: Annotated[str, typer.Option(help="Local expert to measure.")] = "smollm2-135m",
    count: Annotated[int, typer.Option(help="How many training prompts.", min=1)] = 300,
) -> None:
    """Measure a local expert on training prompts, so that its predicted score is honest."""
    from routing.commands import measure_expert

    measure_expert(expert, data, count)


@app.command()
def fetch(
    out: Annotated[Path | None, typer.Option(help="Folder for the tables, the downloads and the lock file.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Source; may be given several times; all if not.")] = None,
    unseen: Annotated[bool, typer.Option("--unseen", help="Also try files whose names only follow a pattern.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Only list the sources and what was verified.")] = False,
) -> None:
    """Fetch the public logs that the shipped router was trained on, and build the tables that train reads."""
    from routing.commands.fetch import fetch_all, list_sources

    if list_only:
        list_sources()
    elif out is None:
        raise RoutingError("fetch needs --out, the folder for the tables; --list only lists the sources.")
    else:
        fetch_all(out, source or [], with_unseen=unseen)


app.command()(commands_experts.experts)
app.command()(commands_people.people)
app.command()(commands_onboard.onboard)
app.command()(commands_onboard.collect)


@app.command()
def prices() -> None:
    """Compare the catalogue's prices and context lengths with LiteLLM's price map."""
    from routing.commands import check_prices

    raise typer.Exit(0 if check_prices() else 1)


with_whole_texts(app)


def main(run: Callable[[], Any] = app) -> None:
    """Run the command line; what a person can mend is one sentence and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file may have a name that is no text, and is named all the same
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        run()
    except RoutingError as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader went away, as `head` does: end quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
