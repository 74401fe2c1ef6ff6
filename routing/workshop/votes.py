"""Tables of votes, two answers and which one won, as outcomes: the winner 1, the loser 0, half each for a tie."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from routing.schema import Floats

FIRST: Final = re.compile(r"(?:model|expert|llm|assistant|engine)_?(?:a|1|left)")
SECOND: Final = re.compile(r"(?:model|expert|llm|assistant|engine)_?(?:b|2|right)")
WINNER: Final = frozenset(("winner", "vote", "verdict", "preference", "preferred", "outcome", "result", "label"))
_TEXTS: Final = ("prompt", "question", "text", "instruction", "query", "conversation_a", "conversation")
WINS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("model_a", "a", "left", "model_1", "1", "first", "assistant_a", "expert_a"), (1.0, 0.0)),
        **dict.fromkeys(("model_b", "b", "right", "model_2", "2", "second", "assistant_b", "expert_b"), (0.0, 1.0)),
        **dict.fromkeys(("tie", "draw", "equal", "same", "both", "0"), (0.5, 0.5)),
        **dict.fromkeys(("tie_bothbad", "bothbad", "both_bad", "both_are_bad", "neither"), (0.0, 0.0)),
    }
)
ONE_HOT: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "winner_model_a": (1.0, 0.0), "winner_a": (1.0, 0.0), "winner_model_b": (0.0, 1.0), "winner_b": (0.0, 1.0),
        "winner_tie": (0.5, 0.5), "winner_tie_bothbad": (0.0, 0.0), "winner_bothbad": (0.0, 0.0),
    }
)  # fmt: skip
PROMPT, EXPERT, SCORE = "prompt", "expert", "score"


def as_outcomes(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table of votes as two outcomes a vote; any other table as it is, without notes.

    Args:
        table: Cells as text; its index numbers the rows, and each number comes twice in what is returned.
    """
    keys = {name: re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_") for name in table.columns}
    first = next((name for name, key in keys.items() if FIRST.fullmatch(key)), None)
    second = next((name for name, key in keys.items() if SECOND.fullmatch(key)), None)
    hot = {name: ONE_HOT[key] for name, key in keys.items() if key in ONE_HOT}
    named = next((name for name, key in keys.items() if key in WINNER and name not in hot), None)
    if first is None or second is None or (named is None and len(hot) < 2):
        return table, ()
    score = _one_hot(table, hot) if named is None else _named(table, first, second, named)
    known = np.isfinite(score[:, 0]) & (table[first].str.strip() != table[second].str.strip()).to_numpy()
    prompt = _prompts(table, keys)
    rest = [name for name in table.columns if name not in {first, second, named, *hot, *prompt} and name != PROMPT]
    rest = [name for name in rest if keys[name] not in {EXPERT, SCORE}]
    both = [
        pd.DataFrame({**prompt, EXPERT: table[who], SCORE: [f"{x:g}" for x in score[:, side]]}).join(table[rest])[known]
        for side, who in enumerate((first, second))
    ]
    found = pd.concat(both).sort_index(kind="stable")
    bad = int((score[known] == 0.0).all(axis=1).sum())
    notes = [
        f"It holds {int(known.sum()):,} votes ({first}, {second} and who won). Each is two outcomes: 1 for the winner, "
        "0 for the other, 0.5 each for a tie. Such scores say who won against whom: an expert that met weaker ones "
        "looks better than it is."
    ]
    if bad:
        notes.append(f"In {bad:,} of them both answers were called bad: 0 for both.")
    if not known.all():
        where = table.index[~known]
        notes.append(f"{len(where):,} rows name no winner that is known, or one expert twice, and are left out.")
    return found, tuple(notes)


def _named(table: pd.DataFrame, first: str, second: str, winner: str) -> Floats:
    """Scores of both sides by a column that names the winner, by its side or by its name; NaN where it does not."""
    found = np.full((len(table), 2), np.nan)
    for i, (said, a, b) in enumerate(zip(table[winner], table[first], table[second], strict=True)):
        if said.strip() and said.strip() in {a.strip(), b.strip()}:
            found[i] = (1.0, 0.0) if said.strip() == a.strip() else (0.0, 1.0)
        else:
            key = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
            found[i] = WINS.get(key, (np.nan, np.nan))
    return found


def _one_hot(table: pd.DataFrame, hot: Mapping[str, tuple[float, float]]) -> Floats:
    """Scores of both sides by columns of which one is 1 in every row; NaN where none or several are."""
    chosen = np.column_stack([table[name].str.strip().str.lower().isin(["1", "1.0", "true", "yes"]) for name in hot])
    values = np.array(list(hot.values()))
    found = values[chosen.argmax(axis=1)]
    return np.where((chosen.sum(axis=1) == 1)[:, np.newaxis], found, np.nan)


def _prompts(table: pd.DataFrame, keys: Mapping[str, str]) -> dict[str, "pd.Series[str]"]:
    """The prompts, where a column holds them; of a JSON list of turns the first, as public vote tables keep them."""
    name = next((name for text in _TEXTS for name, key in keys.items() if key == text), None)
    return {} if name is None else {PROMPT: table[name].map(first_turn)}


def first_turn(cell: str) -> str:
    """The first text of a JSON list of texts; anything else as it is.

    >>> first_turn('["Hi there", "And now?"]'), first_turn("[Flag: cheap] Hi")
    ('Hi there', '[Flag: cheap] Hi')
    """
    if not cell.startswith("["):
        return cell
    try:
        turns = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return turns[0] if isinstance(turns, list) and turns and all(isinstance(turn, str) for turn in turns) else cell
