"""Policy files on a page: the present settings as one, and one as the present settings."""

from collections.abc import Mapping

import streamlit as st

from pages.common import active, asking, cached, controls, names, own, person, show
from routing.errors import PolicyFileError, RoutingError
from routing.objective import CONSTRAINTS
from routing.own.extension import plain
from routing.policy_file import USUAL_FALLBACKS, Flags, PolicyFile, capture, rebind
from routing.policy_file.reading import checked_file
from routing.policy_file.use import Ruling, apply, mismatch
from routing.predictors import DEFAULT
from routing.recording import kept
from routing.router import Router
from routing.schema import Preferences
from routing.store.policies import Kept, Policies

CHOSEN = "policy_name"
ALL, NONE, SOME = "All", "None", "Some"


def files() -> Policies:
    """Kept policy files of everyone; every call says whose.

    Raises:
        StoreError: The database cannot be used.
    """
    return asking.store().policies


def present() -> Preferences:
    """Weights, limits and pool as they stand on Route."""
    state = st.session_state
    weights = {name: float(state.get(f"weight_{name}") or 0.0) for name in CONSTRAINTS}
    limits = {name: state.get(f"limit_{name}") for name in CONSTRAINTS}
    return Preferences(
        {name: weight for name, weight in weights.items() if weight > 0},
        {name: float(limit) for name, limit in limits.items() if limit is not None},
        _pool(),
    )


def _pool() -> tuple[str, ...] | None:
    chosen = st.session_state.get("pool", controls.ALL)
    if chosen == controls.OWN:
        return tuple(st.session_state.get("own_pool", ())) or None
    return None if chosen == controls.ALL else own.pools().get(chosen)


def captured(name: str, flags: Flags, fallbacks: int | tuple[str, ...], note: str) -> PolicyFile:
    """The present settings as a checked policy file.

    Raises:
        PolicyFileError: The name or the note cannot be used.
    """
    now = own.mine()
    router = own.router(st.session_state.get("router", DEFAULT))
    policy = capture(
        name, router, present(), shipped=now.shipped, own=now.experts, flags=flags, fallbacks=fallbacks, note=note
    )
    return checked_file(policy)


def base(name: str) -> Router:
    """The router of a policy file, without anything of this person's own: the file brings what it needs.

    Raises:
        PolicyFileError: No router has that name here.
    """
    if name not in names.usable():
        raise PolicyFileError(
            f"The policy file asks for the router {name!r}, which is not known here. Train or update."
        )
    if name not in active.usable():
        raise PolicyFileError(
            f"The policy file asks for {names.titles().get(name, name)}, which the router in force does not have."
        )
    return plain(own.router(name), own.mine().shipped)


def ruling(policy: PolicyFile) -> Ruling:
    """A policy file over its router, to look at; notes say where it was made for another graph."""
    return apply(base(policy.router), policy, accept_other=True)


def problem(policy: PolicyFile) -> str:
    """Why a policy file cannot decide here, or may decide differently; empty where it fits."""
    try:
        return mismatch(base(policy.router), policy)
    except PolicyFileError as missing:
        return str(missing)


def can_accept(policy: PolicyFile) -> bool:
    """Whether the router in force has the method that a policy file decides by."""
    return policy.router in active.usable()


def routers_here() -> Mapping[str, tuple[int | None, str]]:
    """The routers that could be put in force, by the SHA-256 of their graph: number and name, None for the shipped."""
    with kept("Your routers"):
        mine = person.store().routers.all(person.owner())
    found: dict[str, tuple[int | None, str]] = {one.graph_sha256: (one.id, one.name) for one in reversed(mine)}
    found[str(cached.card().get("graph_sha256"))] = (None, "the shipped router")
    found.pop(str(cached.card(active.folder()).get("graph_sha256")), None)
    return found


def name_chosen() -> None:
    """The name chosen among kept ones is the one that a change is most likely meant for; for callbacks."""
    st.session_state["policy_new_name"] = st.session_state[CHOSEN]
    for key in ("policy_before", "policy_after"):
        st.session_state.pop(key, None)


def keep(policy: PolicyFile) -> None:
    """Save as a version and say so; for callbacks."""
    try:
        with kept("The policy file"):
            version, is_new = files().save(policy, asking.owner())
    except RoutingError as failure:
        st.toast(show.escape(str(failure)), icon=":material/error:")
        return
    st.session_state[CHOSEN] = policy.name
    st.session_state["policy_note"] = ""
    for key in ("policy_version", "policy_before", "policy_after"):
        st.session_state.pop(key, None)
    told = f"Saved as version {version}" if is_new else f"Nothing changed since version {version}"
    st.toast(f"{told} of {show.escape(policy.name)}.", icon=":material/check:")


def accept(policy: PolicyFile) -> None:
    """Let a policy file run on the router that is loaded: a new version says so, and its settings are taken over."""
    bound = rebind(policy, base(policy.router))
    keep(bound)
    load(bound)


def load(policy: PolicyFile) -> None:
    """A policy file as the present settings: sliders, router, pool, flags and fallbacks; for callbacks."""
    controls.reset()
    for name, weight in policy.weights.items():
        controls.set_weight(name, weight)
    for name, limit in policy.limits.items():
        controls.set_limit(name, limit)
    state = st.session_state
    state["router"] = policy.router
    state["policy_flags"] = ALL if policy.flags is None else SOME if policy.flags else NONE
    state["policy_flag_names"] = list(policy.flags or ())
    state["policy_fallbacks"] = policy.fallbacks if isinstance(policy.fallbacks, int) else USUAL_FALLBACKS
    state["policy_fallback_names"] = [] if isinstance(policy.fallbacks, int) else list(policy.fallbacks)
    named = {tuple(sorted(experts)): pool for pool, experts in own.pools().items()}
    if policy.pool is None:
        state["pool"] = controls.ALL
    elif policy.pool in named:
        state["pool"] = named[policy.pool]
    else:
        state["pool"], state["own_pool"] = controls.OWN, list(policy.pool)
    st.toast(f"Route now has the settings of {show.escape(policy.name)}.", icon=":material/tune:")


def unknown(policy: PolicyFile) -> tuple[str, ...]:
    """Experts of the pool and named fallbacks that this person's catalogue lacks."""
    known = set(own.catalog().names)
    named = policy.fallbacks if isinstance(policy.fallbacks, tuple) else ()
    return tuple(name for name in dict.fromkeys((*(policy.pool or ()), *named)) if name not in known)


def delete(name: str, version: int | None) -> None:
    """Remove a version, or all of a name; for callbacks."""
    try:
        with kept("The deletion"):
            files().delete(name, asking.owner(), version)
    except RoutingError as failure:
        st.toast(show.escape(str(failure)), icon=":material/error:")
        return
    st.session_state.pop("policy_version", None)
    st.toast("Deleted.", icon=":material/delete:")


def router_text(policy: PolicyFile, here: Mapping[str, tuple[int | None, str]]) -> str:
    """The method that decides, and whose it is where that is a router of one's own; ``here`` from ``routers_here``."""
    title = names.titles().get(policy.router, policy.router)
    force = active.now()
    if force.folder is not None and policy.graph_sha256 == cached.card(force.folder).get("graph_sha256"):
        return f"{title} of {force.name}"
    other = here.get(policy.graph_sha256)
    return title if other is None else f"{title} of {other[1]}"


def weights_text(policy: PolicyFile) -> str:
    """Weights in words."""
    return ", ".join(f"{n} {controls.exactly(w)}" for n, w in policy.weights.items()) or "none"


def limits_text(policy: PolicyFile) -> str:
    """Limits in words, each with its unit."""
    bounds = {n: "at least" if CONSTRAINTS[n].is_floor else "at most" for n in policy.limits}
    told = [f"{n} {bounds[n]} {controls.limit_text(n, value)}" for n, value in policy.limits.items()]
    return ", ".join(told) or "none"


def pool_text(policy: PolicyFile) -> str:
    """The pool in words."""
    if policy.pool is None:
        return "every expert"
    named = {tuple(sorted(experts)): pool for pool, experts in cached.pools(active.folder()).items()}
    if policy.pool in named:
        return controls.POOL_TITLES.get(named[policy.pool], named[policy.pool])
    titles = own.titles()
    return ", ".join(titles.get(n, n) for n in policy.pool[:4]) + (
        f" and {len(policy.pool) - 4} more" if len(policy.pool) > 4 else ""
    )


def flags_text(policy: PolicyFile) -> str:
    """Which flags count, in words."""
    return "all" if policy.flags is None else ", ".join(policy.flags) or "none"


def fallbacks_text(policy: PolicyFile) -> str:
    """Who takes over, in words."""
    if isinstance(policy.fallbacks, int):
        return f"next {policy.fallbacks}" if policy.fallbacks else "none"
    titles = own.titles()
    return ", ".join(titles.get(n, n) for n in policy.fallbacks)


def version_label(one: Kept) -> str:
    """A version as a list of choices shows it."""
    return f"{one.version}, {asking.moment(one.created)}"
