"""Who may do what to a review: `check_act` raises with the reason, `can_act` wraps it for a greyed button."""

from dataclasses import dataclass
from datetime import date

from riskscore.errors import Conflict, NotAllowed
from riskscore.people import is_same_person
from riskscore.review.delegation import AUTHORITIES, Authority, Delegation
from riskscore.review.overrides import TRANSITIONS, Act, Closed, Override


@dataclass(frozen=True)
class Person:
    """Who acts. name: of the account, the same whichever way they signed in. is_machine: a token speaks for them."""

    name: str
    role: str
    is_machine: bool = False


def needed_authority(override: Override, delegation: Delegation) -> Authority:
    """The least role that may approve it. To refuse credit to a natural person always takes an approver."""
    if override.declines_a_person:
        return "approver"
    return delegation.needed(override.at_stake, override.currency, override.decided_grade)


def check_act(override: Override, act: Act, person: Person, delegation: Delegation, today: date) -> Closed:
    """The state that the act leads to.

    Raises Conflict where the state does not allow it, NotAllowed where this person may not: who proposed approves or rejects
    nothing of it, nobody else withdraws it, a machine does neither, and approving needs the delegated authority.
    """
    state = override.state_on(today)
    leads_to = TRANSITIONS.get((state, act))
    if leads_to is None:
        raise Conflict(f"The review is {state}; it cannot be changed any more. Propose again where it is still needed.")
    own = is_same_person(person.name, override.proposed_by)
    if act == "withdraw":
        if not own:
            raise NotAllowed("Only who proposed it can withdraw it.")
        return leads_to
    if person.is_machine:
        raise NotAllowed("A token cannot decide a review; a person signs in and does.")
    if own:
        raise NotAllowed("You proposed it; a second person decides.")
    if person.role not in AUTHORITIES:
        raise NotAllowed("Your role decides no reviews.")
    needed = needed_authority(override, delegation)
    if act == "approve" and AUTHORITIES.index(person.role) < AUTHORITIES.index(needed):
        raise NotAllowed(f"The amount and grade are delegated to the role {needed}.")
    return leads_to


def can_act(override: Override, act: Act, person: Person, delegation: Delegation, today: date) -> str | None:
    """Why not, in words; null where the person can."""
    try:
        check_act(override, act, person, delegation, today)
    except (Conflict, NotAllowed) as refused:
        return str(refused)
    return None
