"""The policy file: everything that decides where prompts go, as one record and one text that a diff can be read of.

A *policy file* is what a team runs: router, pool, weights, limits, which flags count, fallbacks. (A *policy* elsewhere
in this package is a selection rule of ``routing.policies``.) It holds no key and no address.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any, Final

from routing.catalog import Catalog
from routing.objective import CONSTRAINTS
from routing.own import TYPED, Fact, OwnExpert, as_json
from routing.policies import POLICIES
from routing.predictors import DEFAULT, PROMPT_BLIND
from routing.router import Router
from routing.schema import Preferences

FORMAT: Final = 1
USUAL_FALLBACKS: Final = 2
MOST_FALLBACKS: Final = 20
_MARK: Final = "\x01"  # no text of a policy file holds a control character
Flags = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Rebound:
    """That somebody let a policy file run on another router than it was made for: when, and from what to what."""

    day: date
    graph_before: str
    graph_after: str


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The whole routing configuration of a team.

    Args:
        name: What people call it; its versions share it.
        router: Name of the predictor or policy that decides.
        graph_sha256: The graph that it was made for, 64 hexadecimal digits.
        methods_sha256: The arrays beside the graph, where the router needs them.
        pool: Names of experts, sorted; None is every expert of the catalogue.
        own: Experts of the team's own, and shipped ones whose facts it changed; neither addresses nor keys.
        weights: Lambdas above 0.
        limits: Limits in the constraints' own units.
        flags: Constraints that a flag in a prompt may set; None is all of them, empty none.
        fallbacks: How many of the next best experts take over, or which ones in which order.
        note: For people.
        created: The day it was made.
        rebound: Every time that it was let run on another router, oldest first.
    """

    name: str
    router: str
    graph_sha256: str
    created: date
    methods_sha256: str | None = None
    pool: tuple[str, ...] | None = None
    own: tuple[OwnExpert, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    flags: Flags = None
    fallbacks: int | tuple[str, ...] = USUAL_FALLBACKS
    note: str = ""
    rebound: tuple[Rebound, ...] = ()

    @property
    def preferences(self) -> Preferences:
        """Weights, limits and pool, as a decision takes them."""
        return Preferences(dict(self.weights), dict(self.limits), self.pool)

    @property
    def sha256(self) -> str:
        """Of the canonical text; the same for every way of writing the same policy file."""
        return sha256(text(self).encode()).hexdigest()


def as_dict(policy: PolicyFile) -> dict[str, Any]:
    """The canonical form: keys in one order, constraints in theirs, names sorted."""
    return {
        "format": FORMAT,
        "name": policy.name,
        "note": policy.note,
        "created": policy.created.isoformat(),
        "router": {
            "name": policy.router,
            "graph_sha256": policy.graph_sha256,
            "methods_sha256": policy.methods_sha256,
        },
        "pool": None if policy.pool is None else sorted(policy.pool),
        "own_experts": {own.name: _own(own) for own in sorted(policy.own, key=lambda o: o.name)},
        "weights": {name: float(policy.weights[name]) for name in CONSTRAINTS if policy.weights.get(name, 0.0) > 0},
        "limits": {name: float(policy.limits[name]) for name in CONSTRAINTS if name in policy.limits},
        "flags": "all" if policy.flags is None else [name for name in CONSTRAINTS if name in policy.flags] or "none",
        "fallbacks": policy.fallbacks if isinstance(policy.fallbacks, int) else list(policy.fallbacks),
        "rebound": [
            {"day": r.day.isoformat(), "graph_before": r.graph_before, "graph_after": r.graph_after}
            for r in policy.rebound
        ],
    }


def _own(own: OwnExpert) -> dict[str, Any]:
    facts = as_json(own.facts)
    skill = None if own.skill is None else dict(own.skill)
    return {"facts": {name: facts[name] for name in sorted(facts)}, "skill": skill}


def text(policy: PolicyFile) -> str:
    """The canonical text: JSON, two blanks of indent, one setting a line; a skill, which nobody reads, on one line."""
    told = as_dict(policy)
    skills: list[str] = []
    for own in told["own_experts"].values():
        if own["skill"] is not None:
            skills.append(json.dumps(own["skill"], ensure_ascii=False, allow_nan=False))
            own["skill"] = _MARK + str(len(skills) - 1)
    written = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for number, skill in enumerate(skills):
        written = written.replace(json.dumps(_MARK + str(number)), skill, 1)
    return written


def file_name(policy: PolicyFile, version: int | None = None) -> str:
    """A name for the downloaded file, made of letters, digits and dashes only."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in policy.name.lower())
    parts = ["policy", *[p for p in plain.split("-") if p], *([] if version is None else [f"v{version}"])]
    return "-".join(parts)[:80] + ".json"


def capture(
    name: str,
    router: Router,
    preferences: Preferences,
    *,
    shipped: Catalog,
    own: Sequence[OwnExpert] = (),
    flags: Flags = None,
    fallbacks: int | tuple[str, ...] = USUAL_FALLBACKS,
    note: str = "",
) -> PolicyFile:
    """The present settings as a policy file of today.

    Args:
        name: What to call it.
        router: The router in use, its catalogue as the person has it.
        preferences: Weights, limits and pool in force.
        shipped: The catalogue without anything of the person's own.
        own: What the person keeps about experts; what does not bear on the pool is left out.
        flags: Constraints that flags may set; None is all.
        fallbacks: How many, or which.
        note: For people.
    """
    has_all_shipped = set(shipped.names) <= set(router.catalog.names)
    # Hidden experts are no part of what runs: then the pool is spelt out.
    everyone = None if has_all_shipped else router.catalog.names
    pool = preferences.pool if preferences.pool is not None else everyone
    asked = set(router.catalog.names if pool is None else pool)
    graph, methods = hashes(router)
    day = date.today()
    return PolicyFile(
        name=name.strip(),
        router=router.name,
        graph_sha256=graph,
        methods_sha256=methods,
        created=day,
        pool=None if pool is None else tuple(sorted(set(pool))),
        own=tuple(_plain(o, shipped, day) for o in own if o.name in asked and not o.is_hidden and not o.says_nothing),
        weights={n: w for n, w in preferences.weights.items() if w > 0},
        limits=dict(preferences.limits),
        flags=flags,
        fallbacks=fallbacks,
        note=plain_note(note),
    )


def plain_note(note: str) -> str:
    """A note without lone surrogates and control characters, which would break what shows or stores it."""
    plain = note.encode("utf-8", "replace").decode()
    return "".join(c for c in plain if c.isprintable() or c == "\n").strip()


def _plain(own: OwnExpert, shipped: Catalog, day: date) -> OwnExpert:
    """Without its address; an expert that only an address made known keeps its title as a fact."""
    is_known = bool(own.facts) or own.name in shipped.names
    facts = own.facts if is_known else {"title": Fact(own.name, TYPED, day)}
    return OwnExpert(own.name, dict(facts), None, False, own.skill)


def hashes(router: Router) -> tuple[str, str | None]:
    """SHA-256 of a router's graph, and of the arrays beside it where the router needs them."""
    base = POLICIES[router.name].base if router.name in POLICIES else router.name
    in_graph = {DEFAULT, PROMPT_BLIND, *router.card.get("blend", {})}
    methods = router.card.get("methods_sha256")
    return str(router.card.get("graph_sha256", "")), None if base in in_graph or methods is None else str(methods)


def rebind(policy: PolicyFile, router: Router, day: date | None = None) -> PolicyFile:
    """The same policy file for the router that is loaded, with a line that says so; unchanged where it fits already."""
    graph, methods = hashes(router)
    if (graph, methods) == (policy.graph_sha256, policy.methods_sha256):
        return policy
    entry = Rebound(day or date.today(), policy.graph_sha256, graph)
    return replace(policy, graph_sha256=graph, methods_sha256=methods, rebound=(*policy.rebound, entry))
