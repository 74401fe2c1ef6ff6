"""What a call needs and gives: its settings, the stream of its answer, and the client that carries it out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from routing.errors import PreferenceError
from routing.keys import Access
from routing.local import SYSTEM_MESSAGE
from routing.schema import Expert

_MAX_TIMEOUT_S = 3600.0
# Several providers refuse to be asked for JSON where no message says the word.
_AS_JSON = "Answer with one JSON object and nothing else."


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and manners of a call.

    Args:
        max_tokens: Longest answer, in tokens.
        temperature: 0 gives the likeliest answer, higher is more varied; at most 2.
        timeout_s: Seconds until the answer must be complete, retries included.
        retries: Further tries after a failure that may pass, as long as no text has arrived.
        system: System message; empty for none.
        is_json: Ask for a JSON object, where the provider can be asked.

    Raises:
        PreferenceError: A value cannot be used.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    timeout_s: float = 60.0
    retries: int = 1
    system: str = SYSTEM_MESSAGE
    is_json: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_tokens", 1, 1_000_000),
            ("temperature", 0.0, 2.0),
            ("timeout_s", 0.1, _MAX_TIMEOUT_S),
            ("retries", 0, 10),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise PreferenceError(f"{name} is {value!r}; allowed is {low:g} to {high:g}.")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation before the prompt: what a person said or what the expert answered."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What one column of a comparison asks.

    Args:
        expert: Whom.
        prompt: What.
        settings: How.
        history: The turns before, oldest first.
        column: Name of the column; the expert's name where each expert is asked once.
    """

    expert: Expert
    prompt: str
    settings: Settings
    history: tuple[Message, ...] = ()
    column: str = ""

    @property
    def key(self) -> str:
        """Under which name its events come."""
        return self.column or self.expert.name

    def messages(self) -> list[dict[str, str]]:
        """The whole conversation in OpenAI's form."""
        turns = [(turn.role, turn.text) for turn in self.history] + [("user", self.prompt)]
        wish = self.settings.system
        if self.settings.is_json and "json" not in " ".join([wish, *(text for _, text in turns)]).lower():
            wish = f"{wish} {_AS_JSON}".strip()
        said: list[dict[str, str]] = [{"role": "system", "content": wish}] if wish else []
        for role, text in turns:
            if said and said[-1]["role"] == role:  # a prompt that got no answer; many refuse two of a kind in a row
                said[-1]["content"] += f"\n\n{text}"
            else:
                said.append({"role": role, "content": text})
        return said


@dataclass(slots=True)
class Stream:
    """An answer as it arrives, and what the provider said about it; None where it said nothing.

    ``is_reasoning`` says whether the last piece was of the reasoning before an answer, which is not shown.
    """

    pieces: Iterator[str]
    served: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    close: Callable[[], None] | None = None
    is_reasoning: bool = False


class Client(Protocol):
    """Whatever carries calls out; LiteLLM in the app, see ``routing.answer``."""

    @property
    def is_ready(self) -> bool:
        """Whether it can call at once; if not, the first call takes seconds longer."""
        ...

    def errors(self) -> tuple[type[BaseException], ...]:
        """What opening and reading a stream may raise."""
        ...

    def open(self, access: Access, request: Request) -> Stream:
        """Send one request."""
        ...

    def count_tokens(self, text: str) -> int:
        """About how many tokens a text has."""
        ...

    def price(self, model: str) -> tuple[float, float] | None:
        """US dollars per million tokens in and out, None if unknown."""
        ...
