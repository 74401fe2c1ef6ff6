"""Every router by name: predictors decide by the objective, policies by their own rule."""

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing import encoder as graph
from routing import predictors
from routing.catalog import ASSETS, EXPERTS_CSV, Catalog, load_catalog
from routing.errors import PreferenceError
from routing.objective import Typical
from routing.onboarding.basis import SHARE, load_basis
from routing.policies import POLICIES, Policy, Rule
from routing.policies.rules import Confidences
from routing.predictors.capable import thresholds
from routing.router import Router
from routing.schema import Floats, Prediction


def load_router(
    assets: Path = ASSETS, *, name: str = predictors.DEFAULT, threads: int = graph.SERVED_THREADS
) -> Router:
    """The router of a folder of assets.

    Args:
        assets: Folder with the graph, its tokenizer, its card and the table of experts.
        name: A predictor or a policy.
        threads: Processor threads of one run of the graph.

    Raises:
        GraphError: The graph, its tokenizer or its card is missing, damaged or does not match.
        CatalogError: The table of experts is missing or damaged.
        PreferenceError: No router has that name.
    """
    return load_routers([name], assets, threads=threads)[name]


def load_routers(
    names: Iterable[str] = (),
    assets: Path = ASSETS,
    *,
    threads: int = graph.SERVED_THREADS,
    catalog: Catalog | None = None,
) -> dict[str, Router]:
    """Several routers around one encoder, by name; all there are when none is named.

    ``catalog`` takes the place of the folder's own table of experts. Raises what load_router does.
    """
    wanted = list(names) or offered(graph.read_card(assets))
    check_offered(wanted, assets)
    bases = {name: POLICIES[name].base if name in POLICIES else name for name in wanted}
    heads = dict.fromkeys([SHARE, *(head for base in bases.values() for head in predictors.heads_of(base))])
    encoder = graph.load(assets, heads=(*graph.HEADS, *heads), threads=threads)
    basis = load_basis(assets, str(encoder.card.raw["graph_sha256"]))
    card, known = encoder.card, catalog or load_catalog(assets / EXPERTS_CSV.name)
    built = {base: predictors.build(base, card) for base in dict.fromkeys(bases.values())}
    return {
        name: Router(
            encoder,
            built[base],
            known,
            typical_of(card),
            unfamiliar_below=float(card.raw.get("unfamiliar_below", 0.0)),
            card=card.raw,
            basis=basis,
            name=name,
            rule=_rule_maker(POLICIES[name], card) if name in POLICIES else None,
        )
        for name, base in bases.items()
    }


def router_names() -> list[str]:
    """Every predictor and every policy, the default first."""
    return [*predictors.PREDICTORS, *POLICIES]


def offered(card: graph.Card) -> list[str]:
    """Predictors and policies that a router has, in the registry's order; one without a list on its card has all."""
    stated = card.raw.get("methods")
    if not isinstance(stated, list):
        return router_names()
    bases = {name: POLICIES[name].base if name in POLICIES else name for name in router_names()}
    return [name for name, base in bases.items() if base in stated]


def check_offered(names: Iterable[str], assets: Path) -> None:
    """Whether the router of a folder has these methods.

    Raises:
        GraphError: The folder has no router card.
        PreferenceError: A name is no method, or none of this router.
    """
    methods = offered(graph.read_card(assets))
    for name in names:
        if name not in router_names():
            raise unknown_router(name)
        if name not in methods:
            raise PreferenceError(f"This router has no method {name!r}; it offers {', '.join(methods)}.")


def unknown_router(name: str) -> PreferenceError:
    """The error for a name that neither registry has, with the nearest name."""
    close = difflib.get_close_matches(name, router_names(), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return PreferenceError(f"No router is called {name!r}. Known are {', '.join(router_names())}.{hint}")


def _rule_maker(policy: Policy, card: graph.Card) -> Callable[[tuple[str, ...], int], Rule]:
    """What a policy knows of the experts of a pool: thresholds and mean training scores."""
    place = {name: i for i, name in enumerate(card.experts)}
    threshold, accuracy = thresholds(card, policy.base), card.numbers("mean_score")

    def rule(pool: tuple[str, ...], key: int) -> Rule:
        at = np.array([place.get(name, -1) for name in pool], dtype=np.int64)
        known = at >= 0
        return Rule(policy, np.where(known, threshold[at], np.inf), np.where(known, accuracy[at], np.nan), key)

    return rule


def confidences(
    card: graph.Card, policy: Policy, prediction: Prediction, cost_usd: Floats, key: NDArray[np.uint64]
) -> Confidences:
    """What a policy chooses from on many prompts, for the experts of a prediction.

    Args:
        card: The router card.
        policy: The policy.
        prediction: What its base predicts, narrowed to a pool.
        cost_usd: Predicted cost, shape (n_prompts, n_experts).
        key: ``prompt_key`` of every prompt, shape (n_prompts,).
    """
    rule = _rule_maker(policy, card)(prediction.experts, 0)
    return Confidences(prediction.score, rule.threshold, cost_usd, rule.accuracy, key)


def typical_of(card: graph.Card) -> Typical:
    """The typical prompt and answers that a router card states."""

    def known(key: str) -> dict[str, float]:
        return {name: float(v) for name, v in card.raw[key].items() if v is not None}

    lengths = known("typical_input_tokens")
    return Typical(
        input_tokens=sum(lengths.values()) / max(1, len(lengths)),
        output_tokens=known("typical_output_tokens"),
        latency_s=known("latency_s"),
    )
