"""What a call needs and gives: its settings, the stream of its answer, and the client that carries it out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from routing.answer.usage import Usage, usage_of, value
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
class Changes:
    """What of a request a server refused, and what it is sent instead.

    Args:
        left_out: Parameters that are not sent; "system" puts the system message before the first prompt.
        limit_name: The name under which the longest answer is sent, where not as ``max_tokens``.
        limit: The longest answer that the server allows, where that is less than was wished.
    """

    left_out: tuple[str, ...] = ()
    limit_name: str | None = None
    limit: int | None = None

    @property
    def note(self) -> str:
        """What was changed, as part of a sentence; empty where nothing was."""
        names = [WITHOUT.get(name, name) for name in self.left_out]
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        told = [f"asked without {listed}, which the server refused"] if names else []
        if self.limit is not None:
            told.append(f"asked for at most {self.limit:,} tokens, as the server allows")
        if self.limit_name is not None and "max_tokens" not in self.left_out:
            told.append(f"asked with {self.limit_name} for max_tokens, which the server refused")
        return "; ".join(told)


# How a change is told, where not by the parameter's own name.
WITHOUT: Final = {
    "max_tokens": "a length limit",
    "system": "a system role",
    "stream": "streaming",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What one column of a comparison asks.

    Args:
        expert: Whom.
        prompt: What.
        settings: How.
        history: The turns before, oldest first.
        column: Name of the column; the expert's name where each expert is asked once.
        changes: What its server refused, and how it is asked instead.
    """

    expert: Expert
    prompt: str
    settings: Settings
    history: tuple[Message, ...] = ()
    column: str = ""
    changes: Changes = Changes()

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
        if "system" in self.changes.left_out and len(said) > 1 and said[0]["role"] == "system":
            wish = said.pop(0)["content"]
            said[0]["content"] = f"{wish}\n\n{said[0]['content']}"
        return said


@dataclass(slots=True)
class Heard:
    """A refusal as it came: status, headers and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Stream:
    """An answer as it arrives, and what the provider said about it; None or empty where it said nothing.

    Args:
        pieces: The text, ``""`` for pieces of something else.
        served: The name under which it says that it answered.
        usage: Tokens and cost as stated.
        service_tier: The tier at which it says that it charges, such as "flex".
        finish_reason: How the answer ended.
        is_done: Whether the server said its last word, with or without a reason.
        is_refusal: Whether what came are the words of a refusal.
        tools: Names of tools that the model wanted to call.
        is_reasoning: Whether the last piece was of the reasoning before an answer, which is not shown.
        failure: What went wrong on the way, beside what the client raises.
        heard: The answer of a server that refused.
        until: When the time limit is over, by the monotonic clock.
        is_left: Whether nobody listens any more.
        is_normalised: Whether all of the above was noted from the server's own bytes.
        close: Hangs up.
    """

    pieces: Iterator[str]
    served: str | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    finish_reason: str | None = None
    is_done: bool = False
    is_refusal: bool = False
    tools: tuple[str, ...] = ()
    is_reasoning: bool = False
    failure: Exception | None = None
    heard: Heard | None = None
    until: float | None = None
    is_left: bool = False
    is_normalised: bool = False
    close: Callable[[], None] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to come of the answer itself."""
        return self.is_done or self.finish_reason is not None

    def note(self, chunk: object) -> None:
        """What a chunk says besides its text: who served it, at which tier, and usage, wherever that stands."""
        served, tier = value(chunk, "model"), value(chunk, "service_tier")
        if isinstance(served, str) and served.strip():
            self.served = clean(served)[:200]
        if isinstance(tier, str) and tier:
            self.service_tier = tier[:40]
        self.note_usage(value(chunk, "usage"))
        self.note_usage(value(value(chunk, "x_groq"), "usage"))

    def note_usage(self, stated: object) -> None:
        """A block of usage, of which there may be several."""
        if (found := usage_of(stated)) is not None:
            self.usage = found.after(self.usage)

    def note_delta(self, delta: object) -> None:
        """What a part of the message says besides its text: refusals, and wishes for tools."""
        self.is_refusal = self.is_refusal or bool(value(delta, "refusal"))
        calls, one = value(delta, "tool_calls"), value(delta, "function_call")
        wanted = [value(call, "function") for call in calls] if isinstance(calls, list | tuple) else []
        for call in [*wanted, *([one] if one else [])]:
            name = value(call, "name")
            named = name[:60] if isinstance(name, str) and name else ""
            if named not in self.tools and (named or not self.tools):
                self.tools = (*(tool for tool in self.tools if tool), named)


def clean(text: str) -> str:
    """The text without halves of characters and NUL, which can be neither shown nor kept."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


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

    def cost(self, model: str, prices: Mapping[str, object], usage: Usage, tier: str | None) -> float:
        """US dollars of an answer at these prices, which stand under the names of LiteLLM's price map."""
        ...
