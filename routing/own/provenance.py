"""Every fact about an expert with who states it and since when; and stating some anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from routing.own import FACTS, PRICES, Fact, OwnExpert, Value
from routing.schema import Expert


@dataclass(frozen=True, slots=True)
class Stated:
    """One fact.

    Args:
        name: Its name in ``Expert``.
        value: None is unknown.
        source: Who states it; empty where nobody does.
        day: As of when, None where that is not known.
        is_own: Whether the person states it, and not the shipped catalogue.
    """

    name: str
    value: Value
    source: str
    day: date | None
    is_own: bool


def stated(base: Expert | None, own: OwnExpert, about: tuple[str, date | None]) -> tuple[Stated, ...]:
    """Every fact of an expert as a person has it.

    Args:
        base: The shipped expert; None for an added one.
        own: What the person keeps about it.
        about: The shipped catalogue's source for all but prices, and its day.
    """
    expert = own.over(base)
    found = []
    for name in FACTS:
        value: Value = getattr(expert, name)
        if name in own.facts:
            fact = own.facts[name]
            found.append(Stated(name, value, fact.source, fact.day, is_own=True))
        elif base is None or value is None:
            found.append(Stated(name, value, "", None, is_own=False))
        elif name in PRICES:
            found.append(Stated(name, value, base.price_source, base.price_date, is_own=False))
        else:
            found.append(Stated(name, value, *about, is_own=False))
    return tuple(found)


def copied(base: Expert, name: str, about: tuple[str, date | None]) -> OwnExpert:
    """An own expert of another name with every known fact of a shipped one, sources and days as there."""
    facts = stated(base, OwnExpert(name), about)
    return OwnExpert(name, {f.name: Fact(f.value, f.source, f.day) for f in facts if f.value is not None and f.day})


def restated(own: OwnExpert, base: Expert | None, values: Mapping[str, Value], source: str, day: date) -> OwnExpert:
    """The own expert with those values stated anew that are not as they were; the others keep source and day."""
    before = own.over(base)
    changed = {name: value for name, value in values.items() if value != getattr(before, name)}
    return own.with_facts(changed, source, day)
