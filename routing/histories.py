"""What each column of a conversation was asked and said before, for its next turn."""

from collections.abc import Mapping, Sequence

from routing.answer.client import Message
from routing.asking import column_of
from routing.store.records import KeptRun


def kept_histories(turns: Sequence[KeptRun]) -> dict[str, tuple[Message, ...]]:
    """What each column of a stored conversation said, oldest first; a turn that was asked twice counts once."""
    found: dict[str, tuple[Message, ...]] = {}
    for number in sorted({run.run.turn for run in turns}):
        run = min((r for r in turns if r.run.turn == number), key=lambda r: r.created)
        texts = {column_of(name, i): "" for name in run.run.asked for i in range(run.run.repeats)}
        texts |= {column_of(*kept.place): kept.answer.text for kept in run.answers}
        found = further(found, run.run.prompt, texts)
    return found


def further(
    histories: Mapping[str, tuple[Message, ...]], prompt: str, texts: Mapping[str, str]
) -> dict[str, tuple[Message, ...]]:
    """Histories with one more turn; who did not answer keeps what was asked, so that the next prompt has its context.

    Args:
        histories: The turns before, by column.
        prompt: What was asked.
        texts: What each column answered; empty where nothing came.
    """
    asked = Message("user", prompt)
    return dict(histories) | {
        column: (*histories.get(column, ()), asked, *([Message("assistant", text)] if text.strip() else []))
        for column, text in texts.items()
    }
