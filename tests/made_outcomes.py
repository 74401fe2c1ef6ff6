"""Made-up prompts with outcomes for tests of training: two kinds of prompt, and who is good at which."""

import numpy as np
import pandas as pd

from routing.outcomes import Outcomes, read
from routing.training.features import FORM_CLASSES, Encoded
from routing.training.graph import WIDTH
from routing.training.tables import build_table

PIECES = 50


def made_up(count=1500, *, split=True, seed=0):
    """Prompts of two kinds; expert a is good at the first kind, b at the second, c everywhere but only in source t."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % 2
    verb = np.where(kind == 0, "Add the numbers", "Translate the sentence")
    words = [a + b + c for a in "bdfklmnprst" for b in "aeio" for c in "knt"]
    prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(count)],
            "text": [f"{v} number {i} {' '.join(rng.choice(words, 5))}" for i, v in enumerate(verb)],
            "source": np.where(np.arange(count) % 5 == 0, "t", "s"),
            "task": "made up",
        }
    )
    if split:
        prompts["split"] = np.where(
            np.arange(count) % 10 == 1, "test", np.where(np.arange(count) % 10 == 2, "validation", "train")
        )
    chance = {"a": np.where(kind == 0, 0.9, 0.2), "b": np.where(kind == 0, 0.2, 0.9), "c": np.full(count, 0.8)}
    rows = [
        (f"p{i}", name, float(rng.random() < chance[name][i]), 100.0 + 50 * kind[i] if name == "a" else np.nan)
        for i in range(count)
        for name in chance
        if name != "c" or i % 5 == 0
    ]
    return prompts, pd.DataFrame(rows, columns=["prompt_id", "expert", "score", "output_tokens"])


def written(folder, count=1500, **options):
    """The same as the two tables in a folder."""
    prompts, outcomes = made_up(count, **options)
    prompts.to_parquet(folder / "prompts.parquet")
    outcomes.to_parquet(folder / "outcomes.parquet")
    return folder


def encoded_at_random(folder, seed=0):
    """Outcomes, table, word pieces, form classes, and random features that tell the two kinds apart."""
    rng = np.random.default_rng(seed)
    outcomes: Outcomes = read(folder)
    kind = np.arange(len(outcomes.prompts)) % 2
    vector = rng.normal(size=(len(kind), WIDTH)) * 0.02
    vector[:, 0] += np.where(kind == 0, 1.0, -1.0)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    ids = [rng.integers(0, PIECES, size=rng.integers(4, 12)).tolist() for _ in kind]
    forms = rng.integers(0, 2, size=(PIECES, len(FORM_CLASSES))).astype(np.uint8)
    encoded = Encoded(
        vector=vector.astype(np.float32),
        pooled=rng.normal(size=vector.shape).astype(np.float32),
        local=rng.normal(size=vector.shape).astype(np.float32),
        counts=np.stack([forms[row].sum(axis=0) for row in ids]).astype(np.float32),
        read=np.array([len(row) for row in ids], dtype=np.float32),
        tokens=np.array([len(row) for row in ids]),
        is_truncated=np.zeros(len(ids), dtype=bool),
        ids=ids,
    )
    return outcomes, build_table(outcomes, extra_experts=["c"]), encoded, ids, forms
