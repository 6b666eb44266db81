"""Review by people: overrides of decisions with reason and expiry, four eyes, delegation of authority. States are data."""

from riskscore.review.delegation import AUTHORITIES, GRADES, UNKNOWN, Delegation, parse
from riskscore.review.overrides import TRANSITIONS, Act, Closing, Override, State, Wanted, check_wanted, in_force
from riskscore.review.permits import Person, can_act, check_act, needed_authority

__all__ = [
    "AUTHORITIES",
    "GRADES",
    "TRANSITIONS",
    "UNKNOWN",
    "Act",
    "Closing",
    "Delegation",
    "Override",
    "Person",
    "State",
    "Wanted",
    "can_act",
    "check_act",
    "check_wanted",
    "in_force",
    "needed_authority",
    "parse",
]
