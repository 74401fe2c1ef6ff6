"""Made experts for tests of onboarding: they differ by level and by one trade, in two sources."""

import numpy as np

from routing.onboarding.build import Known, build_basis
from routing.predictors.links import sigmoid

SOURCES = ("mmlu-pro", "livecodebench")
TASKS = (("law", "physics"), ("lcb-codegen-easy", "lcb-codegen-hard"))
N_EXPERTS, N_PROMPTS = 12, 400


def made(seed=0):
    """Experts that differ by level and by one trade of law against physics, on prompts of two sources."""
    rng = np.random.default_rng(seed)
    source = np.repeat([0, 1], N_PROMPTS // 2)
    task = np.array([TASKS[s][i % 2] for i, s in enumerate(source)], dtype=object)
    trade = np.where(task == TASKS[0][0], 1.0, np.where(task == TASKS[0][1], -1.0, 0.0))
    level, leaning = rng.normal(0, 1, N_EXPERTS), rng.normal(0, 1, N_EXPERTS)
    odds = rng.normal(0, 1, N_PROMPTS)[:, None] + level + trade[:, None] * leaning
    odds += rng.normal(0, 0.05, odds.shape)
    share = np.where(source[:, None] == [0, 1], 0.97, 0.03)
    names = tuple(f"e{i:02d}" for i in range(N_EXPERTS))
    return Known("abc", names, sigmoid(odds), share, source, SOURCES, task, np.ones((2, N_EXPERTS), dtype=bool))


KNOWN = made()
BASIS = build_basis(KNOWN, without="e03")
AXES = BASIS.axes(KNOWN.score, KNOWN.share)
RNG = np.random.default_rng(1)
OUTCOMES = (RNG.random(N_PROMPTS) < KNOWN.score[:, 3]).astype(float)
ORDER = RNG.permutation(N_PROMPTS)
