"""A judging expert at work in the background: what it costs, what it said, and that both are kept."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from routing.asking import BYTES_PER_TOKEN_LEAST, TEMPLATE_TOKENS
from routing.errors import KeyMissing, KeyRejected, NameUnknown, RateLimited, RoutingError, Unreachable
from routing.judge import Judgement, as_vote, judge, judging_prompt, pairs, settings_for
from routing.keys import KeyRing
from routing.recording import kept
from routing.schema import Answer, Expert
from routing.store import Place, Store, Vote

ORDERS: Final = 2
HOPELESS: Final = (KeyMissing, KeyRejected, NameUnknown, RateLimited, Unreachable)  # the next pair fares no better


def calls(given: Sequence[Answer]) -> int:
    """How many calls judging takes: every pair, in both orders."""
    return ORDERS * len(pairs(given))


def cost_at_most(question: str, given: Sequence[Answer], expert: Expert) -> float | None:
    """The most that judging may cost; None where the judge's price is unknown."""
    price_in, price_out = expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok
    if price_in is None or price_out is None:
        return None
    settings = settings_for(expert)
    prompts = [judging_prompt(question, a.text, b.text) + settings.system for a, b in pairs(given)]
    tokens = sum(len(p.encode()) / BYTES_PER_TOKEN_LEAST + TEMPLATE_TOKENS for p in prompts)
    return ORDERS * (tokens * price_in + len(prompts) * settings.max_tokens * price_out) / 1e6


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a judgement is kept and paid.

    Args:
        store: The open store.
        run_id: The run that is judged.
        place: Whose budget.
        budget_usd: Of the browser session; None for no budget.
    """

    store: Store
    run_id: str
    place: Place
    budget_usd: float | None


class Judging:
    """Asks a judge in a thread of its own; a page may look at any time.

    Args:
        question: What was asked.
        given: One answer an expert.
        expert: Who judges.
        keys: Keys and own addresses.
        bench: Where the vote is kept; None keeps nothing.

    Raises:
        BudgetError: It could go beyond the budget.
        StoreError: The database failed.
    """

    def __init__(
        self, question: str, given: Sequence[Answer], expert: Expert, keys: KeyRing, bench: Bench | None
    ) -> None:
        self.expert = expert
        self.n_pairs = len(pairs(given))
        self.found: tuple[Judgement, ...] = ()
        self.vote: Vote | None = None
        self.problem: str | None = None
        self._bench = bench
        self._is_void = threading.Event()
        self._is_stopped = threading.Event()
        self._line: int | None = None
        if bench is not None:
            most = {f"{expert.name} (judge)": cost_at_most(question, given, expert) or 0.0}
            with kept("The reserve"):
                lines = bench.store.ledger.reserve(bench.place, most, bench.budget_usd, run_id=bench.run_id)
            (self._line,) = lines.values()
        self._thread = threading.Thread(
            target=self._run, args=(question, tuple(given), keys), name="judging", daemon=True
        )
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the judge has not said everything yet."""
        return self._thread.is_alive()

    @property
    def disagreement(self) -> float | None:
        """Share in [0, 1] of the pairs on which the judge contradicts itself; None where it said nothing twice."""
        told = [j for j in self.found if j.forward is not None and j.backward is not None]
        return sum(not j.agrees for j in told) / len(told) if told else None

    @property
    def cost_usd(self) -> float | None:
        """What all calls cost together; None where unknown."""
        known = [j.cost_usd for j in self.found if j.cost_usd is not None]
        return sum(known) if known and len(known) == len(self.found) else None

    def void(self) -> None:
        """The answers change: what the judge says of the old ones is no vote, though what it was asked is paid."""
        self._is_void.set()
        self.stop()

    def stop(self) -> None:
        """Stop after the pair that is being read; half a judgement is no vote."""
        self._is_stopped.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the judge has said everything."""
        self._thread.join(timeout_s)

    def _run(self, question: str, given: tuple[Answer, ...], keys: KeyRing) -> None:
        try:
            for pair in judge(question, given, self.expert, keys):
                self.found = (*self.found, pair)
                if self._is_stopped.is_set() or isinstance(pair.error, HOPELESS):
                    break
            if len(self.found) == self.n_pairs:
                self.vote = as_vote(self.found, self.expert.name)
            if self._bench is not None:
                self._keep(self._bench)
        except RoutingError as problem:
            self.problem = str(problem)
        except Exception as problem:  # noqa: BLE001 - answers are anybody's text: the page says what broke
            self.problem = f"The judgement broke off ({type(problem).__name__}: {str(problem)[:80]})."
            if self._bench is not None and self._line is not None:
                with suppress(RoutingError), kept("The judgement"):
                    self._bench.store.ledger.settle(self._line, self.cost_usd)

    def _keep(self, bench: Bench) -> None:
        with kept("The judgement"):
            if self._line is not None:
                bench.store.ledger.settle(self._line, self.cost_usd)
            if self.vote is not None and not self._is_void.is_set():
                bench.store.votes.add(bench.run_id, self.vote)
