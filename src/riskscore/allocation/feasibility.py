"""Budgets under which nobody can get anything, or that speak of groups nobody is in: found before solving, told by name."""

import numpy as np

from riskscore.allocation.values import Budgets, Candidates
from riskscore.errors import UsageRefused


def refuse_hopeless(candidates: Candidates, budgets: Budgets) -> None:
    """Raise UsageRefused naming the budget under which every limit would have to be nothing, or the group that nobody is in.

    Limits of nothing keep every budget, so that no programme is infeasible; but shares of all limits that cannot add up to one
    leave nothing to anybody, and a budget for a group that is not there would silently do nothing.
    """
    wanting = candidates.wanted > 0
    kinds = (
        ("class", candidates.risk_class, budgets.class_shares),
        ("sector", candidates.sector, budgets.sector_shares),
    )
    for kind, labels, shares in kinds:
        _refuse_strangers(kind, set(np.unique(labels).tolist()), set(shares))
        groups = set(np.unique(labels[wanting]).tolist())
        total = sum((shares[group] for group in groups if group in shares), start=0)
        if groups and groups <= set(shares) and total < 1:
            raise UsageRefused(
                f"budgets: the shares of every {kind} together are {total}, below 1, so that nothing could be given to anybody. "
                f"Raise one, or leave a {kind} free."
            )
    _refuse_strangers("insurer", set(np.unique(candidates.insurer).tolist()), set(budgets.insurer_amounts))
    families = len(np.unique(candidates.family[wanting]))
    if budgets.family_share is not None and families and families * budgets.family_share < 1:
        raise UsageRefused(
            f"budgets: {families} families with at most {budgets.family_share} each cannot make a whole, so that nothing could "
            f"be given to anybody. Allow a family at least 1/{families}."
        )


def _refuse_strangers(kind: str, there: set[str], named: set[str]) -> None:
    if strangers := sorted(named - there):
        known = ", ".join(sorted(there - {""})[:12]) or "none"
        raise UsageRefused(f"budgets: no customer is of {kind} {strangers[0]}. There are: {known}. Correct the name.")
