"""What collecting asks: prompts, in which order, who scores an answer, and what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from routing.answer.client import Settings
from routing.asking import BYTES_PER_TOKEN_LEAST, TEMPLATE_TOKENS
from routing.schema import Expert
from routing.store.outcomes import Collected
from routing.token_count import count_tokens

SETTINGS: Final = Settings(max_tokens=512, temperature=0.0, timeout_s=120.0, retries=2)
SHORT_ANSWER: Final = 120  # tokens that an answer to a checkable prompt usually has


@dataclass(frozen=True, slots=True)
class Task:
    """One prompt to ask.

    Args:
        prompt_id: Its name.
        question: What is sent.
        grade: Scores an answer in [0, 1]; None leaves that to a judge.
        reference: A right answer that a judge is shown; empty where there is none.
        runs_code: Whether scoring runs code that the expert wrote.
    """

    prompt_id: str
    question: str
    grade: Callable[[str], float] | None = None
    reference: str = ""
    runs_code: bool = False


class Queue(Protocol):
    """Whatever says which prompt an expert is asked next."""

    def take(self, done: Mapping[str, Collected]) -> Task | None:
        """The next prompt, given the expert's outcomes by prompt; None where there is none. Called under a lock."""
        ...


class Judge(Protocol):
    """Whoever scores an answer that no check can."""

    def most_usd(self, task: Task) -> float:
        """The most that judging any answer to a prompt may cost; 0 where that is unknown."""
        ...

    def grade(self, task: Task, answer: str) -> tuple[float, float | None]:
        """A score in [0, 1], and its cost in US dollars, None where unknown.

        Raises:
            AnswerError: The judge did not answer.
            DataError: It named no score.
        """
        ...


class InOrder:
    """Prompts one after the other.

    Args:
        tasks: In their order.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._left = list(reversed(tasks))

    def take(self, done: Mapping[str, Collected]) -> Task | None:
        """The next prompt that has no score yet."""
        while self._left:
            task = self._left.pop()
            if task.prompt_id not in done or done[task.prompt_id].score is None:
                return task
        return None


def cost_at_most(expert: Expert, task: Task, settings: Settings = SETTINGS) -> float | None:
    """The most that asking one prompt once may cost; None where the price is unknown."""
    tokens = len((task.question + settings.system).encode()) / BYTES_PER_TOKEN_LEAST + TEMPLATE_TOKENS
    return _cost(expert, tokens, settings.max_tokens)


def cost_expected(expert: Expert, task: Task, settings: Settings = SETTINGS) -> float | None:
    """What asking one prompt probably costs; None where the price is unknown."""
    tokens = count_tokens(task.question) + count_tokens(settings.system)
    return _cost(expert, tokens, min(SHORT_ANSWER, settings.max_tokens))


def _cost(expert: Expert, tokens_in: float, tokens_out: float) -> float | None:
    price_in, price_out = expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok
    if expert.is_local:
        return 0.0
    if price_in is None or price_out is None:
        return None
    return (tokens_in * price_in + tokens_out * price_out) / 1e6


def bill(
    expert: Expert, tasks: Sequence[Task], count: int, settings: Settings = SETTINGS
) -> tuple[float, float] | None:
    """What asking some of these prompts costs: expected, and at most whichever are chosen; None where unknown."""
    most = [cost_at_most(expert, task, settings) for task in tasks]
    usual = [cost_expected(expert, task, settings) for task in tasks]
    if not tasks or None in most or None in usual:
        return None if tasks else (0.0, 0.0)
    mean = sum(cost or 0.0 for cost in usual) / len(usual)
    return mean * min(count, len(tasks)), sum(sorted((cost or 0.0 for cost in most), reverse=True)[:count])
