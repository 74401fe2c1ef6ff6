"""How routers are named and grouped for people: methods and policies alike."""

from collections.abc import Mapping
from functools import cache

from routing.policies import PAPER, POLICIES
from routing.predictors import DEFAULT, PREDICTORS

MINDS, LATER = "Multiple Minds", "Later methods"
SYSTEMS = ("Tryage", "GLIDER-style", MINDS, LATER, "Controls")


@cache
def titles() -> Mapping[str, str]:
    """Name of each router for people; a policy says whose confidences it reads."""
    found = {name: method.title for name, method in PREDICTORS.items()}
    for name, one in POLICIES.items():
        found[name] = f"{one.title} ({one.base})" if "/" in name else one.title
    return found


@cache
def systems() -> Mapping[str, str]:
    """The family of each router."""
    found: dict[str, str] = {name: method.system for name, method in PREDICTORS.items()}
    return {**found, **{n: MINDS if p.source == PAPER else LATER for n, p in POLICIES.items()}}


def ordered() -> list[str]:
    """Every router, the default first, then by system."""
    family = systems()
    rest = [name for name in family if name != DEFAULT]
    place = {system: i for i, system in enumerate(SYSTEMS)}
    return [DEFAULT, *sorted(rest, key=lambda name: place.get(family[name], len(place)))]


def usable() -> list[str]:
    """Routers that can be asked now: every predictor, and every policy whose predictor there is."""
    return [name for name in ordered() if name in PREDICTORS or POLICIES[name].base in PREDICTORS]


def grouped(name: str) -> str:
    """A router as a list of choices shows it: its name, then the published system that it comes from, if any."""
    title, system = titles().get(name, name), systems().get(name, LATER)
    return title if system == LATER else f"{title} · {system}"


def about(name: str) -> str:
    """What a router does, in one sentence with its source."""
    one = PREDICTORS[name] if name in PREDICTORS else POLICIES[name]
    return f"{one.about} Source: {one.source}."
