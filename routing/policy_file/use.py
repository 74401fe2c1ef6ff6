"""Deciding by a policy file: the same pure decision as everywhere, within what the file allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from routing.catalog import unknown_name
from routing.errors import PolicyFileError
from routing.flags import permitted
from routing.own.extension import extended
from routing.policy_file import PolicyFile, hashes
from routing.report import decision_json, decision_text
from routing.router import Reading, Routed, Router
from routing.schema import Pace, Preferences

SHORT = 12  # digits of a SHA-256 that people compare


@dataclass(frozen=True, slots=True)
class Ruled:
    """A decision by a policy file; ``fallbacks`` take over in their order when the pick fails."""

    routed: Routed
    fallbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A policy file applied to a router that it fits.

    Args:
        policy: The policy file.
        router: The router, its catalogue and predictions with the file's own experts.
        notes: What a person has to know before trusting it.
    """

    policy: PolicyFile
    router: Router
    notes: tuple[str, ...] = ()

    @property
    def preferences(self) -> Preferences:
        """Weights, limits and pool."""
        return self.policy.preferences

    def route(self, prompt: str) -> Ruled:
        """Read a prompt and decide.

        Raises:
            PromptError: The prompt is empty without its flags, or too long.
        """
        return self.decide(self.router.read(prompt))

    def decide(
        self,
        reading: Reading,
        *,
        paces: Mapping[str, Pace] | None = None,
        shifts: Mapping[str, float] | None = None,
    ) -> Ruled:
        """Decide on a reading of ``self.router``; flags that the file does not allow become warnings."""
        kept, refused = permitted(reading.flags, self.policy.flags)
        told = [f"The flag {f.text!r} is ignored by the policy file {self.policy.name!r}." for f in refused]
        allowed = replace(reading, flags=kept, warnings=(*reading.warnings, *told))
        routed = self.router.decide(allowed, self.preferences, paces=paces, shifts=shifts)
        order, wanted = routed.decision.order, self.policy.fallbacks
        if isinstance(wanted, int):
            return Ruled(routed, order[1 : 1 + wanted])
        lost = [name for name in wanted if name not in order]
        if lost:
            note = f"Not feasible for this prompt, so no fallback here: {', '.join(lost)}."
            reading = replace(routed.reading, warnings=(*routed.reading.warnings, note))
            routed = replace(routed, reading=reading)
        return Ruled(routed, tuple(name for name in wanted if name in order[1:]))


def apply(router: Router, policy: PolicyFile, *, accept_other: bool = False) -> Ruling:
    """A policy file laid over a loaded router.

    Args:
        router: The router that the file names, with the shipped or own catalogue.
        policy: The policy file.
        accept_other: Let it run although it was made for another graph; the ruling says so.

    Raises:
        PolicyFileError: The file was made for another router or graph, or names experts that are not known here.
    """
    if router.name != policy.router:
        raise PolicyFileError(
            f"The policy file {policy.name!r} asks for the router {policy.router!r}, and {router.name!r} is loaded. "
            f"Load {policy.router!r}."
        )
    problem = mismatch(router, policy)
    if problem and not accept_other:
        raise PolicyFileError(problem)
    whole = extended(router, policy.own)
    known = whole.catalog.names
    for name in (*(policy.pool or ()), *(policy.fallbacks if isinstance(policy.fallbacks, tuple) else ())):
        if name not in known:
            told = unknown_name("expert", name, known)
            raise PolicyFileError(f"The policy file {policy.name!r} cannot be used here. {told}")
    return Ruling(policy, whole, (f"Accepted all the same: {problem}",) if problem else ())


def load(policy: PolicyFile, load_router: Callable[[str], Router], *, accept_other: bool = False) -> Ruling:
    """The same, with the router loaded by the name in the file.

    Raises:
        PreferenceError: No router has that name.
        PolicyFileError: As ``apply`` says.
    """
    return apply(load_router(policy.router), policy, accept_other=accept_other)


def mismatch(router: Router, policy: PolicyFile) -> str:
    """How the loaded router differs from the one that the file was made for, as a sentence; empty where it does not."""
    graph, methods = hashes(router)
    pairs = (("graph", policy.graph_sha256, graph), ("methods file", policy.methods_sha256 or "", methods or ""))
    for what, wanted, loaded in pairs:
        if wanted != loaded:
            return (
                f"The policy file {policy.name!r} was made for a {what} with SHA-256 {wanted[:SHORT] or 'none'}, and "
                f"the one loaded has {loaded[:SHORT] or 'none'}, so it may pick differently. Give the router it was "
                "made for (on the command line with --from), or accept this one."
            )
    return ""


def ruled_json(ruling: Ruling, ruled: Ruled) -> dict[str, Any]:
    """The decision as ``decision_json`` has it, with the policy file, its fallbacks and what it did not allow."""
    told = decision_json(ruled.routed)
    told["warnings"] = [*ruling.notes, *told["warnings"]]
    policy = ruling.policy
    return {
        **told,
        "fallbacks": list(ruled.fallbacks),
        "policy_file": {"name": policy.name, "sha256": policy.sha256, "created": policy.created.isoformat()},
    }


def ruled_text(ruling: Ruling, ruled: Ruled) -> str:
    """The decision as a few lines, with the fallbacks."""
    lines = [*(f"Note: {note}" for note in ruling.notes), decision_text(ruled.routed, ruling.router.catalog), ""]
    lines.append(f"Fallbacks: {', then '.join(ruled.fallbacks) or 'none'}. Policy file: {ruling.policy.name}.")
    return "\n".join(lines)
