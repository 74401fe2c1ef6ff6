"""Reading a policy file, strictly: what is not understood is refused in one sentence, never guessed or dropped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from routing.errors import PolicyFileError
from routing.objective import CONSTRAINTS, check_preferences
from routing.own import FACTS, OwnExpert, from_json
from routing.own.checks import checked, checked_name
from routing.policy_file import (
    FORMAT,
    MOST_FALLBACKS,
    USUAL_FALLBACKS,
    Flags,
    PolicyFile,
    Rebound,
    as_dict,
    parts,
    plain_note,
)
from routing.schema import Preferences

LARGEST: Final = 400_000  # bytes; an onboarded expert's skill takes about 18,000
LONGEST_NAME: Final = 80
LONGEST_NOTE: Final = 2_000
MOST_POOL: Final = 5_000
_KEYS: Final = (
    *("format", "name", "note", "created", "router", "pool", "own_experts", "weights", "limits", "flags"),
    *("fallbacks", "rebound"),
)
_NEEDED: Final = ("format", "name", "created", "router")


def read_file(path: Path) -> PolicyFile:
    """The policy file at a path.

    Raises:
        PolicyFileError: It is not there, too large, or cannot be read as a policy file.
        RoutingError: What it says of an own expert cannot be used.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as problem:
        raise PolicyFileError(
            f"The policy file {path} cannot be opened ({problem.strerror}). Give the path of a JSON or YAML file."
        ) from problem
    return parse(raw)


def parse(raw: bytes | str) -> PolicyFile:
    """A policy file from JSON or YAML.

    Raises:
        PolicyFileError: It is too large, or cannot be read as a policy file.
        RoutingError: What it says of an own expert cannot be used.
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(data) > LARGEST:
        raise PolicyFileError(
            f"The policy file has more than {LARGEST:,} bytes, which is the most that is read. Leave out the own "
            "experts that its pool does not need."
        )
    try:
        return from_dict(parts.loaded(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise PolicyFileError("The policy file is not text in UTF-8. Save it as UTF-8.") from None


def from_dict(data: object) -> PolicyFile:
    """A policy file from plain data, as ``as_dict`` makes it.

    Raises:
        PolicyFileError: A key is missing, unknown, or holds what cannot be used.
        RoutingError: What it says of an own expert cannot be used.
    """
    told = parts.mapping(data, "The policy file")
    if told.get("format") != FORMAT or isinstance(told.get("format"), bool):
        raise PolicyFileError(
            f"The policy file says format {told.get('format')!r}; this version reads format {FORMAT}. "
            "Write it with this version, or update."
        )
    parts.only_known(told, _KEYS, "A policy file")
    parts.has_all(told, _NEEDED, "The policy file")
    router = parts.mapping(told["router"], "router")
    parts.only_known(router, ("name", "graph_sha256", "methods_sha256"), "router")
    parts.has_all(router, ("name", "graph_sha256"), "router")
    pool = None if told.get("pool") is None else _names(told["pool"], "pool", MOST_POOL)
    if pool == ():
        raise PolicyFileError("The pool of the policy file is empty. Name experts, or write null for all of them.")
    weights, limits = _numbers(told, "weights"), _numbers(told, "limits")
    check_preferences(Preferences(weights, limits))
    return PolicyFile(
        name=parts.line(told["name"], "name", LONGEST_NAME),
        router=parts.line(router["name"], "the router's name", LONGEST_NAME),
        graph_sha256=parts.hash_of(router["graph_sha256"], "graph_sha256"),
        methods_sha256=parts.hash_or_none(router.get("methods_sha256"), "methods_sha256"),
        created=parts.day(told["created"], "created"),
        pool=None if pool is None else tuple(sorted(pool)),
        own=_own(told.get("own_experts") or {}),
        weights={name: weight for name, weight in weights.items() if weight > 0},
        limits=limits,
        flags=_flags(told.get("flags", "all")),
        fallbacks=_fallbacks(told.get("fallbacks", USUAL_FALLBACKS), pool),
        note=_note(told.get("note", "")),
        rebound=_rebound(told.get("rebound") or []),
    )


def checked_file(policy: PolicyFile) -> PolicyFile:
    """A policy file that was captured, held to the same rules as one that was read. Raises what ``from_dict`` does."""
    return from_dict(as_dict(policy))


def _note(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NOTE:
        raise PolicyFileError(
            f"note is {parts.shown(value)}; allowed is a text of at most {LONGEST_NOTE:,} characters."
        )
    return plain_note(value)


def _names(value: object, what: str, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(n, str) for n in value):
        raise PolicyFileError(f"{what} is {parts.shown(value)}; it must be a list of at most {most:,} names.")
    twice = next((n for i, n in enumerate(sorted(value)) if i and sorted(value)[i - 1] == n), None)
    if twice is not None:
        raise PolicyFileError(f"{what} names {twice[:60]!r} twice. Name each once.")
    return tuple(checked_name(n) for n in value)


def _numbers(told: Mapping[str, Any], key: str) -> dict[str, float]:
    found = parts.mapping(told.get(key) or {}, key)
    parts.only_known(found, CONSTRAINTS, key)
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not parts.is_finite(value):
            raise PolicyFileError(f"{key}: {name} is {parts.shown(value)}; it must be a number.")
    return {name: float(value) for name, value in found.items()}


def _flags(value: object) -> Flags:
    if value == "all":
        return None
    if value == "none":
        return ()
    if not isinstance(value, list) or not all(isinstance(n, str) for n in value):
        raise PolicyFileError(
            f"flags is {parts.shown(value)}; it is all, none, or a list of constraints: {', '.join(CONSTRAINTS)}."
        )
    parts.only_known(dict.fromkeys(value), CONSTRAINTS, "flags")
    return tuple(name for name in CONSTRAINTS if name in value)


def _fallbacks(value: object, pool: tuple[str, ...] | None) -> int | tuple[str, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_FALLBACKS:
        return value
    if not isinstance(value, list):
        raise PolicyFileError(
            f"fallbacks is {parts.shown(value)}; it is a whole number from 0 to {MOST_FALLBACKS}, or a list of experts."
        )
    found = _names(value, "fallbacks", MOST_FALLBACKS)
    outside = [name for name in found if pool is not None and name not in pool]
    if outside:
        raise PolicyFileError(f"The fallback {outside[0]!r} is not in the pool. Add it there, or name another.")
    return found


def _own(value: object) -> tuple[OwnExpert, ...]:
    found = []
    for name, kept in parts.mapping(value, "own_experts").items():
        one = parts.mapping(kept, f"own expert {name[:60]!r}")
        parts.only_known(one, ("facts", "skill"), f"own expert {name[:60]!r}")
        facts = parts.mapping(one.get("facts") or {}, f"own expert {name[:60]!r}: facts")
        parts.only_known(facts, FACTS, f"own expert {name[:60]!r}: facts")
        skill = None if one.get("skill") is None else parts.mapping(one["skill"], f"own expert {name[:60]!r}: skill")
        try:
            stated = from_json(facts)
        except (KeyError, TypeError, ValueError):
            raise PolicyFileError(
                f"own expert {name[:60]!r}: every fact needs value, source and day, the day such as 2026-05-31."
            ) from None
        found.append(checked(OwnExpert(name, stated, None, False, skill)))
    return tuple(sorted(found, key=lambda own: own.name))


def _rebound(value: object) -> tuple[Rebound, ...]:
    if not isinstance(value, list):
        raise PolicyFileError(f"rebound is {parts.shown(value)}; it is a list, as this version writes it.")
    found = []
    for entry in value:
        one = parts.mapping(entry, "rebound")
        parts.only_known(one, ("day", "graph_before", "graph_after"), "rebound")
        parts.has_all(one, ("day", "graph_before", "graph_after"), "rebound")
        before, after = (
            parts.hash_of(one["graph_before"], "graph_before"),
            parts.hash_of(one["graph_after"], "graph_after"),
        )
        found.append(Rebound(parts.day(one["day"], "day"), before, after))
    return tuple(found)
