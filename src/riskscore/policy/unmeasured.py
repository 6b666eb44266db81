"""Where numbers that a policy assumes, and that nobody measured on this ledger, decide who gets no credit.

The shipped shares of the need by grade are right for thin margins and few late payers. On another book they deny credit to many
whose business would earn, and nobody would see it: every single decision is sound by the policy. So whoever decides a whole book
is told.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from riskscore.policy.params import Params
from riskscore.policy.recommendation import Recommendation

FAR = 0.10
"""The grades that get nothing are meant for few. Where they are more than a tenth, the book is far from what was assumed."""

NEARLY_ALL = 0.9
"""Where nine of ten get nothing, whoever scores a first book sees zeros only, and has to be told before anything else."""


@dataclass(frozen=True)
class Unmeasured:
    """n_denied of n_graded customers with a grade get no credit because of their grade alone.

    n_without of n_customers: the same of everybody who is not in default, those included whose grade is too unsure to be named:
    the worst it may be decides about them.
    """

    n_denied: int
    n_graded: int
    n_without: int = 0
    n_customers: int = 0

    @property
    def is_nearly_all(self) -> bool:
        """Does hardly anybody get credit for that reason?"""
        return self.n_customers > 0 and self.n_without >= NEARLY_ALL * self.n_customers

    @property
    def says(self) -> Literal["policy_unmeasured", "policy_unmeasured_all"]:
        """The sentence that tells it."""
        return "policy_unmeasured_all" if self.is_nearly_all else "policy_unmeasured"

    @property
    def told(self) -> dict[str, str]:
        """The figures as the sentence wants them."""
        n, of = (self.n_without, self.n_customers) if self.is_nearly_all else (self.n_denied, self.n_graded)
        return {"n": f"{n:,}", "of": f"{of:,}", "share": f"{n / of:.0%}"}


@dataclass
class Denials:
    """Counts, customer by customer, whom the grade denies credit; the figures are those of `Unmeasured`."""

    n_denied: int = 0
    n_graded: int = 0
    n_without: int = 0
    n_customers: int = 0

    def add(self, found: Recommendation | None, *, is_graded: bool) -> None:
        """Count one customer. is_graded: its grade is sure enough to be named."""
        denied = denied_by_grade(found)
        self.n_denied += denied and is_graded
        self.n_graded += is_graded
        self.n_without += denied
        self.n_customers += found is not None and found.binding_cap != "default"

    def unmeasured(self, params: Params) -> Unmeasured | None:
        """What to tell of them; see `unmeasured`."""
        return unmeasured(params, **asdict(self))


def denied_by_grade(recommendation: Recommendation | None) -> bool:
    """Is there no limit, and is it the grade's share of the need that makes it so?"""
    return recommendation is not None and recommendation.binding_cap == "grade" and recommendation.limit <= 0


def unmeasured(params: Params, *, n_denied: int, n_graded: int, n_without: int = 0, n_customers: int = 0) -> Unmeasured | None:
    """What to tell of a book; None where the loss given lateness is signed (it is what `riskscore policy measure` begins with),
    and where few are denied.
    """
    found = Unmeasured(n_denied, n_graded, n_without, n_customers)
    is_far = n_denied > FAR * n_graded or found.is_nearly_all
    return found if is_far and params.loss_given_lateness is None else None
