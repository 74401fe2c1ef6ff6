"""Answers of several experts while they are being written: a page may look at any time, from any thread."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from routing.answer import Stop, ask
from routing.answer_client import Settings
from routing.keys import KeyRing
from routing.schema import Answer, Expert


@dataclass(frozen=True, slots=True)
class Column:
    """One expert's answer so far.

    ``note`` says what is being prepared or retried, ``share`` in [0, 1] how far that is; ``answer`` is None until
    the answer is finished, one way or another.
    """

    expert: Expert
    text: str = ""
    note: str = ""
    share: float = 0.0
    answer: Answer | None = None


class Comparison:
    """Asks experts in the background and keeps what arrives.

    Args:
        experts: Whom to ask; each once.
        prompt: What to ask.
        keys: Keys and own addresses.
        settings: Limits and manners of the calls.

    Raises:
        PromptError: The prompt is empty.
    """

    def __init__(self, experts: Sequence[Expert], prompt: str, keys: KeyRing, settings: Settings) -> None:
        self.prompt = prompt
        self._columns = {e.name: Column(e) for e in experts}
        self._lock = threading.Lock()
        self._stop = Stop()
        self._events = ask(experts, prompt, keys=keys, settings=settings, stop=self._stop)
        self._thread = threading.Thread(target=self._gather, name="comparison", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether some answer is still being written."""
        return self._thread.is_alive()

    def columns(self) -> tuple[Column, ...]:
        """Every expert's answer so far, in the order asked."""
        with self._lock:
            return tuple(self._columns.values())

    def stop(self, expert: str | None = None) -> None:
        """Stop one answer, or all; what arrived is kept."""
        if expert is None:
            self._stop.all()
        else:
            self._stop.one(expert)

    def wait(self, timeout_s: float | None = None) -> tuple[Column, ...]:
        """Wait until every answer is finished, or the time is over, and give what is there."""
        self._thread.join(timeout_s)
        return self.columns()

    def _gather(self) -> None:
        for event in self._events:
            with self._lock:
                column = self._columns[event.expert]
                if event.kind == "text":
                    column = replace(column, text=column.text + event.text, note="")
                elif event.kind == "finished":
                    text = event.answer.text if event.answer is not None else column.text
                    column = replace(column, text=text, note="", answer=event.answer)
                else:
                    column = replace(column, note=event.text, share=event.share)
                self._columns[event.expert] = column
