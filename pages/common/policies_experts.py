"""What a policy file says of own experts beside what this person keeps of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pages.common import asking, own, show
from routing.collecting.learning import forget_all, is_own
from routing.errors import RoutingError
from routing.onboarding.skill import Skill
from routing.own import OwnExpert
from routing.policy_file import PolicyFile
from routing.recording import kept


@dataclass(frozen=True, slots=True)
class Rival:
    """An expert of which a policy file and this person learned different things.

    Args:
        theirs: The expert as the file has it.
        origin: What the file learned it from, in a few words.
        mine: What this person learned it from.
    """

    theirs: OwnExpert
    origin: str
    mine: str


def differing(policy: PolicyFile) -> tuple[OwnExpert, ...]:
    """Own experts of a policy file whose facts are not as this person keeps them, or of whom only the file learned."""
    mine = own.mine().by_name
    return tuple(
        o
        for o in policy.own
        if o.name not in mine
        or dict(mine[o.name].facts) != dict(o.facts)
        or (o.skill is not None and mine[o.name].skill is None and not is_own(asking.store(), asking.owner(), o.name))
    )


def rivals(policy: PolicyFile) -> tuple[Rival, ...]:
    """Own experts of a policy file that this person has onboarded otherwise; what the person learned decides here."""
    mine, found = own.mine().by_name, []
    for one in policy.own:
        here = mine[one.name].skill if one.name in mine else None
        if one.skill is not None and here is not None and dict(one.skill) != dict(here):
            found.append(Rival(one, Skill.from_json(one.skill).origin, Skill.from_json(here).origin))
    return tuple(found)


def take_over(experts: Sequence[OwnExpert]) -> None:
    """Keep a policy file's own experts, each with the address that this person has for it; for callbacks.

    What this person learned of an expert stays, be it fitted or only kept as outcomes.
    """
    mine = own.mine().by_name
    store, owner = asking.store(), asking.owner()
    try:
        with kept("The experts of the policy file"):
            for one in experts:
                address = mine[one.name].address if one.name in mine else None
                skill = None if is_own(store, owner, one.name) else one.skill
                store.experts.save(replace(one, address=address, skill=skill), owner)
    except RoutingError as failure:
        st.toast(show.escape(str(failure)), icon=":material/error:")
    own.changed()


def use_learned(experts: Sequence[OwnExpert]) -> None:
    """Forget what this person learned of experts, and take what the file learned; for callbacks."""
    store, owner = asking.store(), asking.owner()
    try:
        with kept("What the policy file learned"):
            for one in experts:
                forget_all(store, owner, one.name)
                store.experts.save_skill(one.name, one.skill, owner)
    except RoutingError as failure:
        st.toast(show.escape(str(failure)), icon=":material/error:")
    own.changed()


def offers(policy: PolicyFile) -> bool:
    """Say what differs and offer to take it over; returns whether facts do."""
    other, same = differing(policy), rivals(policy)
    if other:
        named = ", ".join(one.name for one in other)
        st.caption(f":material/info: What it says of {show.escape(named)} differs from what you keep.")
        st.button(
            "Take its facts over", key="policy_take", on_click=take_over, args=(other,),
            help="What you learned of an expert yourself stays.",
        )  # fmt: skip
    if same:
        told = ", ".join(f"{r.theirs.name} from {r.origin} (yours: {r.mine})" for r in same)
        st.caption(
            f":material/science: It learned of an expert otherwise than you: {show.escape(told)}. Load keeps yours, so "
            "picks may differ from the file's."
        )
        st.button(
            "Use what the file learned", key="policy_learned", on_click=use_learned,
            args=([r.theirs for r in same],),
            help="Forgets your own outcomes and published figures of these experts. This cannot be undone.",
        )  # fmt: skip
    return bool(other)
