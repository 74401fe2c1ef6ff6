"""Regression of scores, source by source."""

from typing import Final

import numpy as np

from routing.schema import Floats
from routing.training.fits import Linear, component_ridge
from routing.training.methods.data import TrainingSet

CAUTION: Final = 2.0
FEWEST: Final = 20


def regressions(x: Floats, data: TrainingSet) -> Linear:
    """Component-wise ridge from features to the scores of every source's columns.

    A column that is thin, or has fewer than 20 outcomes, keeps its mean.

    Args:
        x: Features, shape (n_prompts, n_features).
        data: Outcomes of the same prompts.
    """
    weight, bias = np.zeros((x.shape[1], len(data.column_source))), data.base()
    for source in range(len(data.sources)):
        rows, columns = data.rows_of(source), data.columns_of(source)
        enough = np.isfinite(data.score[np.ix_(rows, columns)]).sum(axis=0) >= FEWEST
        solid = columns[enough & ~data.is_thin[columns]]
        if len(solid):
            found = component_ridge(x[rows], data.score[np.ix_(rows, solid)], caution=CAUTION)
            weight[:, solid], bias[solid] = found.weight, found.bias
    return Linear(weight, bias)
