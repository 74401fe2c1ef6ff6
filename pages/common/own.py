"""Every expert and every router as this person has them: what is shipped, with experts of their own, without hidden."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import streamlit as st

from pages.common import active, cached, person
from routing.catalog import Catalog
from routing.errors import RoutingError
from routing.onboarding.skill import Skill
from routing.own import OwnExpert, added, merged
from routing.own.extension import extended
from routing.own.extension import learned as learned_by
from routing.own.extension import predicted as predicted_by
from routing.predictors import DEFAULT
from routing.recording import kept
from routing.router import Router

FRESH_S: Final = 60.0  # another tab's or the command line's changes are seen after this
KEPT: Final = "own_experts"
# What was made from the catalogue as it was before; nothing in it was typed by the person.
DERIVED: Final = ("own_routers", "own_router", "readings", "every_reading", "compare_suggested")


@dataclass(frozen=True)
class Mine:
    """What a person keeps about experts: whose it is, when it was read, why that failed, what is damaged."""

    owner: str
    read_at: float
    experts: tuple[OwnExpert, ...]
    shipped: Catalog
    problem: str | None = None
    damage: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, OwnExpert]:
        """What is kept, by name."""
        return {one.name: one for one in self.experts}

    @cached_property
    def everyone(self) -> Catalog:
        """Every expert, hidden ones too."""
        return merged(self.shipped, self.experts, with_hidden=True) if self.experts else self.shipped

    @cached_property
    def catalog(self) -> Catalog:
        """Every expert that takes part."""
        return merged(self.shipped, self.experts) if self.experts else self.shipped

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Name of each expert for people; where an added one has the title of another, its name tells them apart."""
        shared = Counter(e.title for e in self.everyone.experts)
        return {
            e.name: f"{e.title}, {e.name}" if shared[e.title] > 1 and e.name in self.added else e.title
            for e in self.everyone.experts
        }

    @cached_property
    def added(self) -> frozenset[str]:
        """Names that are not in the shipped catalogue."""
        return frozenset(added(self.shipped, self.experts))


def mine() -> Mine:
    """What this person keeps, read at most once a minute; nothing where the store fails."""
    found: Mine | None = st.session_state.get(KEPT)
    whose = person.owner()
    if found is None or found.owner != whose or time.monotonic() - found.read_at > FRESH_S:
        fresh = _read(whose)
        if fresh.problem is not None and found is not None and found.owner == whose:
            # A database that fails for a moment takes nobody's experts away.
            fresh = replace(fresh, experts=found.experts)
        if found is None or (fresh.owner, fresh.experts, fresh.shipped) != (found.owner, found.experts, found.shipped):
            _forget_derived()
            found = fresh
        else:
            found = replace(found, read_at=fresh.read_at, problem=fresh.problem, damage=fresh.damage)
        st.session_state[KEPT] = found
    return found


def _read(whose: str) -> Mine:
    shipped = cached.catalog(active.folder())
    try:
        with kept("Your own experts"):
            found = person.store().experts.all(whose)
        return Mine(whose, time.monotonic(), found, shipped, damage=found.note("own expert"))
    except RoutingError as problem:  # the Experts page says it; nothing else needs own experts
        return Mine(whose, time.monotonic(), (), shipped, str(problem))


def changed() -> None:
    """Something about own experts was kept: read it again, and make anew what rests on it."""
    st.session_state.pop(KEPT, None)


def _forget_derived() -> None:
    for key in DERIVED:
        st.session_state.pop(key, None)


def catalog() -> Catalog:
    """Every expert that takes part for this person."""
    return mine().catalog


def titles() -> Mapping[str, str]:
    """Name of each expert for people, hidden ones too: stored runs may tell of them."""
    return mine().titles


def pools() -> dict[str, tuple[str, ...]]:
    """Named sets of experts, without those that this person hid."""
    known = set(catalog().names)
    found = {name: tuple(e for e in experts if e in known) for name, experts in cached.pools(active.folder()).items()}
    return {name: experts for name, experts in found.items() if experts}


def predicted() -> frozenset[str]:
    """Experts whose score the default router predicts."""
    return predicted_by(router())


def learned() -> Mapping[str, Skill]:
    """What onboarding learned of the experts that are predicted by it."""
    return learned_by(router())


def router(name: str = DEFAULT) -> Router:
    """A router by name over this person's experts; the shared one where they keep none."""
    # Other pages ask for the default without its name; the cache must hold it once.
    if (folder := active.folder()) is not None:
        return _over(cached.router(name, folder))
    return _over(cached.router() if name == DEFAULT else cached.router(name))


def routers() -> dict[str, Router]:
    """Every router over this person's experts."""
    return {name: _over(shared) for name, shared in cached.routers(active.folder()).items()}


def _over(shared: Router) -> Router:
    now = mine()
    if not now.experts:
        return shared
    made: dict[int, tuple[Router, Router]] = st.session_state.setdefault("own_routers", {})
    if id(shared) not in made:
        made[id(shared)] = (shared, extended(shared, now.experts))
    return made[id(shared)][1]
