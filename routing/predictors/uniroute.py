"""An expert as a vector of its errors by cluster, a prompt as its share of every cluster.

An expert that comes later needs no training: its vector is measured on prompts whose clusters are known.

Source: UniRoute (arXiv:2502.08773), with the learned cluster map.
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import softmax
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "uniroute"
PRIOR: Final = 5.0  # weight of the expert's mean error in a cluster, in prompts


def columns(features: Features, arrays: Arrays) -> Floats:
    """1 - expected error of every measurement, shape (n_prompts, n_columns)."""
    return np.asarray(1.0 - share_of_clusters(features.vector.astype(float), arrays) @ arrays["error"].astype(float))


def share_of_clusters(vector: Floats, arrays: Arrays) -> Floats:
    """The learned map from prompts to clusters, shape (n_prompts, n_clusters), rows summing to 1."""
    return softmax(vector @ arrays["weight"].astype(float) + arrays["bias"])


def expert_vector(share: Floats, score: Floats) -> Floats:
    """An expert's error per cluster from its scores on some prompts, shape (n_clusters,).

    Args:
        share: Share of every cluster in those prompts, shape (n_prompts, n_clusters).
        score: The expert's scores, shape (n_prompts,), NaN where not measured. Clusters it was not measured in
            take its mean error.
    """
    known = np.isfinite(score)
    error = 1.0 - score[known]
    mean = (error.sum() + 1.0) / (len(error) + 2.0)
    return np.asarray((share[known].T @ error + PRIOR * mean) / (share[known].sum(axis=0) + PRIOR))


METHOD: Final = Method(
    title="Experts as error vectors (UniRoute)",
    system="Later methods",
    about="Every expert is its error in each cluster of prompts; a learned map says how much of each a prompt has.",
    source="arXiv:2502.08773",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
