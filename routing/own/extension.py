"""A router that knows a person's own experts too."""

from collections.abc import Mapping, Sequence

from routing.catalog import Catalog
from routing.onboarding.skill import Skill
from routing.own import OwnExpert, merged
from routing.predictors.onboarded import Onboarded
from routing.router import Router


def learned(router: Router) -> Mapping[str, Skill]:
    """What onboarding learned of the experts that the router predicts by it, by name."""
    return router.predictor.skills if isinstance(router.predictor, Onboarded) else {}


def predicted(router: Router) -> frozenset[str]:
    """Names of the experts whose score the router predicts."""
    return frozenset(router.card.get("experts", ())) | frozenset(learned(router))


def extended(router: Router, own: Sequence[OwnExpert]) -> Router:
    """The same router over the person's catalogue, with predictions for those that were onboarded.

    Nothing of the graph is loaded again. An own expert without a skill is in no prediction: its score is unknown, its
    cost assumes the mean length. A skill that was fitted for another graph counts as none.

    Raises:
        CatalogError: Every expert is hidden.
        DataError: A stored skill is damaged.
    """
    skills = {one.name: Skill.from_json(one.skill) for one in own if one.skill is not None}
    catalog = merged(router.catalog, own)
    if router.basis is None or not skills:
        return router.with_experts(catalog)
    return router.with_experts(catalog, Onboarded(router.predictor, skills, router.basis))


def plain(router: Router, shipped: Catalog) -> Router:
    """The router that ``extended`` began with: nothing of a person's own in its catalogue or its predictions."""
    predictor = router.predictor.base if isinstance(router.predictor, Onboarded) else router.predictor
    return router.with_experts(shipped, predictor)
