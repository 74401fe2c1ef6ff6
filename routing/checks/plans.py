"""Whether a plan for stacking blocks works: the right answer of a planning probe, found by carrying it out."""

import re
from dataclasses import dataclass, field

from routing.errors import DataError

_STATE = re.compile(r"As initial conditions I have that, (.*?)\.\s*My goal is to have that (.*?)\.", re.DOTALL)
_ON = re.compile(r"the (\w+) block is on top of the (\w+) block")
_TABLE = re.compile(r"the (\w+) block is on the table")
_PLAN = re.compile(r"\[PLAN\](.*?)(?:\[PLAN END\]|\Z)", re.DOTALL | re.IGNORECASE)
_ACTION = re.compile(
    r"\b(?P<verb>unstack|stack|pick up|put down)\s+(?:the\s+)?(?P<block>\w+)(?:\s+block)?"
    r"(?:\s+(?:from\s+)?(?:on\s+top\s+of|from)\s+(?:the\s+)?(?P<other>\w+))?",
    re.IGNORECASE,
)
TABLE = "table"


@dataclass(slots=True)
class _World:
    """``below`` says what each block stands on, another block or the table; a held block stands on nothing."""

    below: dict[str, str] = field(default_factory=dict)
    held: str | None = None

    def is_clear(self, block: str) -> bool:
        return block in self.below and block not in self.below.values()

    def act(self, verb: str, block: str, other: str | None) -> bool:
        """Carry out one action; False if it is not allowed."""
        if verb in {"pick up", "unstack"}:
            on = TABLE if verb == "pick up" else other
            if self.held is not None or not self.is_clear(block) or self.below[block] != on:
                return False
            del self.below[block]
            self.held = block
            return True
        target = TABLE if verb == "put down" else other
        if self.held != block or target is None or (target != TABLE and not self.is_clear(target)):
            return False
        self.below[block] = target
        self.held = None
        return True


def plan_works(prompt: str, answer: str) -> bool:
    """Whether the plan in the answer reaches the goal of the prompt's last problem by allowed actions only.

    Raises:
        DataError: The prompt holds no problem of this kind.
    """
    problems = _STATE.findall(prompt)
    if not problems:
        raise DataError("The prompt holds no block-stacking problem: leave it out.")
    start, goal = problems[-1]
    world = _World(dict.fromkeys(_TABLE.findall(start), TABLE) | dict(_ON.findall(start)))
    written = _PLAN.search(answer)
    for step in _ACTION.finditer(written.group(1) if written else answer):
        other = step["other"].lower() if step["other"] else None
        if not world.act(step["verb"].lower(), step["block"].lower(), other):
            return False
    wanted = dict(_ON.findall(goal))
    return bool(wanted) and all(world.below.get(block) == on for block, on in wanted.items())
