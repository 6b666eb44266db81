"""Where numbers that a policy assumes, and that nobody measured on this ledger, decide who gets no credit.

The shipped shares of the need by grade are right for thin margins and few late payers. On another book they deny credit to many
whose business would earn, and nobody would see it: every single decision is sound by the policy. So whoever decides a whole book
is told.
"""

from dataclasses import dataclass

from riskscore.policy.params import Params
from riskscore.policy.recommendation import Recommendation

FAR = 0.10
"""The grades that get nothing are meant for few. Where they are more than a tenth, the book is far from what was assumed."""


@dataclass(frozen=True)
class Unmeasured:
    """n_denied of n_graded customers with a grade get no credit because of their grade alone."""

    n_denied: int
    n_graded: int

    @property
    def share(self) -> float:
        """Of those with a grade."""
        return self.n_denied / self.n_graded

    @property
    def told(self) -> dict[str, str]:
        """The figures as the sentence `policy_unmeasured` wants them."""
        return {"n": f"{self.n_denied:,}", "of": f"{self.n_graded:,}", "share": f"{self.share:.0%}"}


def denied_by_grade(recommendation: Recommendation | None) -> bool:
    """Is there no limit, and is it the grade's share of the need that makes it so?"""
    return recommendation is not None and recommendation.binding_cap == "grade" and recommendation.limit <= 0


def unmeasured(params: Params, *, n_denied: int, n_graded: int) -> Unmeasured | None:
    """What to tell of a book; None where the loss given lateness is signed (it is what `riskscore policy measure` begins with),
    and where few are denied.
    """
    if params.loss_given_lateness is not None or n_denied <= FAR * n_graded:
        return None
    return Unmeasured(n_denied, n_graded)
