"""Measure an expert on probes: ask it, score its answers, and keep the outcomes as numbers beside their prompt_id."""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from tempfile import NamedTemporaryFile

from routing.answer import answers, same_request
from routing.answer.client import Settings
from routing.answer.text import reading_ease
from routing.catalog import ASSETS
from routing.errors import DataError
from routing.probes import Probe, data_checks, data_probes
from routing.schema import Answer, Expert
from routing.telling import percent

OUTCOMES_CSV = ASSETS / "local_outcomes.csv"
SETTINGS = Settings(max_tokens=320, temperature=0.0, timeout_s=120.0, retries=1)
_MOST_UNANSWERED = 0.05
Ask = Callable[[Expert, str], Answer]
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one expert scored on one prompt; None where it is not known."""

    prompt_id: str
    expert: str
    score: float
    input_tokens: int | None
    output_tokens: int | None
    latency_s: float
    reading_ease: float | None


COLUMNS = tuple(f.name for f in fields(Outcome))


def measure(
    expert: Expert,
    data: Path,
    out: Path = OUTCOMES_CSV,
    *,
    n: int = 300,
    progress: OnProgress | None = None,
    ask: Ask | None = None,
) -> tuple[Outcome, ...]:
    """Ask an expert n probes, one after the other, and write what it scored.

    The same expert's earlier rows are replaced, other experts' rows stay. The file changes only once all is done.

    Args:
        expert: Whom to measure.
        data: Folder with prompts.parquet; only prompts of its training split are asked.
        out: CSV of outcomes to write.
        n: How many probes, at most all of them.
        progress: Called after each answer with the number done, the number in all, and a note.
        ask: How to ask, for tests.

    Raises:
        DataError: There are no probes in the data, or more than 5 % were not answered.
        AnswerError: The first probe was not answered at all: the expert cannot be called.
    """
    known = data_checks()
    chosen = data_probes(_training_texts(data, list(known)))[:n]
    if not chosen:
        raise DataError(f"None of the {len(known)} probes is in the training split of {data}: give another folder.")
    outcomes, unanswered = [], 0
    for number, probe in enumerate(chosen, start=1):
        answer = (ask or _ask)(expert, probe.question)
        if answer.error is not None and not answer.text:
            if number == 1:
                raise answer.error
            unanswered += 1
            continue
        try:
            outcomes.append(_outcome(probe, expert.name, answer))
        except DataError:  # an answer that cannot be checked is no outcome
            unanswered += 1
            continue
        if progress is not None:
            mean = sum(o.score for o in outcomes) / len(outcomes)
            progress(number, len(chosen), f"{expert.title}: {percent(mean)} right so far")
    if unanswered > _MOST_UNANSWERED * len(chosen):
        raise DataError(
            f"{expert.title} left {unanswered} of {len(chosen)} probes unanswered or uncheckable, at most "
            f"{percent(_MOST_UNANSWERED)} may be: nothing was written; see why with python -m routing answer."
        )
    write_outcomes(out, [o for o in read_outcomes(out) if o.expert != expert.name] + outcomes)
    return tuple(outcomes)


def read_outcomes(path: Path = OUTCOMES_CSV) -> tuple[Outcome, ...]:
    """Outcomes measured earlier; none if the file is not there.

    Raises:
        DataError: A row cannot be read.
    """
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        try:
            return tuple(_parse(row) for row in csv.DictReader(file))
        except (KeyError, ValueError) as error:
            raise DataError(f"{path.name} holds a row that cannot be read ({error}): measure again.") from error


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes to a CSV, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["" if value is None else value for value in astuple(o)] for o in outcomes)
    os.chmod(file.name, 0o644)  # noqa: PTH101 - a temporary file is private, this one is not
    Path(file.name).replace(path)


def _ask(expert: Expert, prompt: str) -> Answer:
    return answers(same_request([expert], prompt, SETTINGS))[0]


def _outcome(probe: Probe, expert: str, answer: Answer) -> Outcome:
    ease = reading_ease(answer.text)
    return Outcome(
        prompt_id=probe.prompt_id,
        expert=expert,
        score=probe.score(answer.text),
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        latency_s=round(answer.latency_s, 3),
        reading_ease=None if ease is None else round(ease, 2),
    )


def _training_texts(data: Path, wanted: Sequence[str]) -> Mapping[str, str]:
    path = data / "prompts.parquet"
    if not path.is_file():
        raise DataError(f"There is no prompts.parquet in {data}: give the folder of the outcome data.")
    import pandas as pd

    prompts = pd.read_parquet(path, columns=["prompt_id", "split", "text"])
    chosen = prompts[prompts["prompt_id"].isin(set(wanted)) & (prompts["split"] == "train")]
    return dict(zip(chosen["prompt_id"], chosen["text"], strict=True))


def _parse(row: Mapping[str, str]) -> Outcome:
    def whole(text: str) -> int | None:
        return int(text) if text else None

    return Outcome(
        prompt_id=row["prompt_id"],
        expert=row["expert"],
        score=float(row["score"]),
        input_tokens=whole(row["input_tokens"]),
        output_tokens=whole(row["output_tokens"]),
        latency_s=float(row["latency_s"]),
        reading_ease=float(row["reading_ease"]) if row["reading_ease"] else None,
    )
