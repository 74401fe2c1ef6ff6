"""Features of prompts on one scale, so that blocks of different kinds weigh as they should."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.features import Encoded
from routing.training.fits import AT_ONCE
from routing.training.tables import IntArray

LIMIT: Final = 5.0
FORM_WEIGHT: Final = 0.1  # of a standardised form feature beside unit vectors, in ridge regressions
MIDDLE_WEIGHT: Final = 0.7  # of the middle layer beside the sentence vector, among neighbours


class Scaled:
    """Features of all prompts, standardised on training prompts, and the weights that make blocks comparable.

    Args:
        encoded: What the encoder gave.
        train: Rows of training prompts.
    """

    def __init__(self, encoded: Encoded, train: IntArray) -> None:
        parts = (encoded.vector, encoded.pooled, encoded.form())
        self.mean = np.concatenate([part[train].mean(axis=0, dtype=np.float64) for part in parts])
        self.scale = np.concatenate([part[train].std(axis=0, dtype=np.float64) for part in parts]) + 1e-6
        self.x: NDArray[np.float32] = np.concatenate(parts, axis=1)
        for start in range(0, len(self.x), AT_ONCE):
            some = (self.x[start : start + AT_ONCE].astype(np.float64) - self.mean) / self.scale
            self.x[start : start + AT_ONCE] = np.clip(some, -LIMIT, LIMIT)
        width, middle = encoded.vector.shape[1], encoded.pooled.shape[1]
        vector_scale, middle_scale = self.scale[:width], self.scale[width : width + middle]
        centred = encoded.pooled[train] - self.mean[width : width + middle].astype(np.float32)
        pooled_norm = np.linalg.norm(centred, axis=1).mean(dtype=np.float64)
        form = np.full(self.x.shape[1] - width - middle, FORM_WEIGHT)
        self.ridge_weight = np.concatenate([vector_scale, middle_scale / pooled_norm, form])
        self.near_weight = np.concatenate([vector_scale, MIDDLE_WEIGHT * middle_scale / pooled_norm, 0.0 * form])

    def weighted(self, rows: IntArray) -> Floats:
        """Features for ridge regressions, shape (n_rows, n_features)."""
        return np.asarray(self.x[rows].astype(np.float64) * self.ridge_weight)
