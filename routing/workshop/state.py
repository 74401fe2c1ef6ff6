"""What a training says of itself: one small file that the page reads, whichever process wrote it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from routing.workshop import locks

STATE_FILE: Final = "state.json"
LOCK_FILE: Final = "job.lock"
CANCEL_FILE: Final = "cancel"
Status = Literal["running", "done", "failed", "cancelled", "interrupted"]
MOST_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class State:
    """How far a training is.

    Args:
        status: "interrupted" is never written: it is what a running one becomes whose process is gone.
        name: What the router is called.
        router_id: Folder of the router that it makes.
        started: When, in UTC.
        share: Done, 0 to 1.
        lines: What it said, oldest first.
        problem: Why it failed, in one sentence.
        measures: How the router compares; see ``judging``.
        graph_sha256: Of the finished graph.
    """

    status: Status
    name: str
    router_id: str
    started: datetime
    share: float = 0.0
    lines: tuple[str, ...] = ()
    problem: str = ""
    measures: Mapping[str, Any] = field(default_factory=dict)
    graph_sha256: str = ""

    def saying(self, line: str, share: float) -> "State":
        """The same, one line further."""
        return replace(self, lines=(*self.lines, line)[-MOST_LINES:], share=share)


def write(place: Path, state: State) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    part = place / f".{STATE_FILE}.part"
    raw = {**asdict(state), "started": state.started.isoformat()}
    part.write_text(json.dumps(raw), encoding="utf-8")
    part.replace(place / STATE_FILE)


def read(place: Path) -> State | None:
    """What the training in a folder says; None where there is none."""
    try:
        raw = json.loads((place / STATE_FILE).read_text(encoding="utf-8"))
        state = State(**{**raw, "started": datetime.fromisoformat(raw["started"]), "lines": tuple(raw["lines"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if state.status == "running" and not is_held(place):
        # Between the last word of a process and its end the file may have been renewed.
        again = json.loads((place / STATE_FILE).read_text(encoding="utf-8"))["status"]
        return replace(state, status="interrupted") if again == "running" else read(place)
    return state


def is_held(place: Path) -> bool:
    """Whether a process works in a folder."""
    return locks.is_held(place / LOCK_FILE)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
