"""A router that knows a person's own experts too."""

from collections.abc import Sequence

from routing.own import OwnExpert, merged
from routing.router import Router


def extended(router: Router, own: Sequence[OwnExpert]) -> Router:
    """The same router over the person's catalogue; nothing of the graph is loaded again.

    An own expert without a skill is in no prediction: its score is unknown, its cost assumes the mean length.

    Raises:
        CatalogError: Every expert is hidden.
    """
    return router.with_experts(merged(router.catalog, own))
