"""The order of experts on a prompt as a loss: which of two did better."""

import torch
from torch import Tensor, nn


def pair_loss(logits: Tensor, score: Tensor) -> Tensor:
    """Logistic loss of every pair of unequal scores on the same prompt, weighed by how unequal they are.

    All prompts of the batch come from one source, so that only comparable measurements meet.

    Args:
        logits: Shape (batch, n_columns).
        score: Same shape, NaN where not measured.

    Source: Bradley and Terry 1952; as a ranking loss Burges et al. 2005 (RankNet).
    """
    known = ~torch.isnan(score)
    here = known.any(dim=0)
    z, y = logits[:, here], score[:, here]
    weight = torch.nan_to_num(y.unsqueeze(2) - y.unsqueeze(1)).clamp(min=0.0)
    each = (nn.functional.softplus(z.unsqueeze(1) - z.unsqueeze(2)) * weight).sum(dim=(1, 2))
    return (each / known.sum(dim=1).clamp(min=1)).mean()
