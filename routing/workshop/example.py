"""A table to try training with: this project's own prompts, with scores that are made up and say nothing of anybody."""

import csv
import io
import random
from typing import Final

from routing.probes import own_probes

FILE: Final = "outcomes-example.csv"
COLUMNS: Final = ("prompt", "expert", "score", "task", "output_tokens")
_SKILLS: Final = {  # chance of a right answer, in mathematics and code, and in the rest
    "expert-a": (0.9, 0.45),
    "expert-b": (0.4, 0.9),
    "expert-c": (0.6, 0.6),
}


def example() -> bytes:
    """A CSV file with a row per prompt and expert, the same at every call."""
    lot, out = random.Random(0), io.StringIO()  # noqa: S311 - no secret
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for probe in own_probes():
        is_formal = probe.domain in {"math", "code"}
        for expert, (formal, rest) in _SKILLS.items():
            right = lot.random() < (formal if is_formal else rest)
            rows.writerow((probe.prompt, expert, int(right), probe.domain, lot.randint(20, 200)))
    return out.getvalue().encode()
