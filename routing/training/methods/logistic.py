"""Many logistic regressions on the same prompts at once."""

from typing import Final

import numpy as np
from scipy.optimize import minimize

from routing.schema import Floats
from routing.training.fits import Linear

STEPS: Final = 120


def logistic(x: Floats, y: Floats, *, penalty: float) -> Linear:
    """One logistic regression per column by penalised maximum likelihood; a gap does not count.

    A score between 0 and 1 counts as a share of successes. The bias is not penalised.

    Args:
        x: Features, shape (n_rows, n_features).
        y: Scores in [0, 1], shape (n_rows, n_columns), NaN where not measured; every column has an outcome.
        penalty: Weight of half the squared norm, in prompts.
    """
    known = np.isfinite(y).astype(np.float32)
    truth = np.where(known > 0, y, 0.0).astype(np.float32)
    rows = x.astype(np.float32)
    shape = (x.shape[1] + 1, y.shape[1])
    share = (truth.sum(axis=0) + 1.0) / (known.sum(axis=0) + 2.0)
    start = np.zeros(shape)
    start[-1] = np.log(share / (1.0 - share))

    def loss(flat: Floats) -> tuple[float, Floats]:
        weight = flat.reshape(shape).astype(np.float32)
        logits = rows @ weight[:-1] + weight[-1]
        value = (known * (np.logaddexp(0.0, logits) - truth * logits)).sum(dtype=np.float64)
        gap = known * (1.0 / (1.0 + np.exp(-logits)) - truth)
        slope = np.concatenate([rows.T @ gap + penalty * weight[:-1], gap.sum(axis=0, keepdims=True)])
        return float(value + 0.5 * penalty * (weight[:-1] ** 2).sum(dtype=np.float64)), slope.ravel().astype(float)

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 12})
    weight = found.x.reshape(shape)
    return Linear(weight[:-1], weight[-1])
