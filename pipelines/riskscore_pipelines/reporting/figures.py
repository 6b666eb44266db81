"""What follows from the customers' lines: the headline, the grades, who is both large and risky, which limits should change."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from riskscore_pipelines.reporting.facts import Scored

LARGE_SHARE = Decimal("0.5")
"""Large: among the largest customers that together hold this share of the exposure."""

IN_DEFAULT = 10
GRADES = tuple(range(1, IN_DEFAULT + 1))
"""1 is the best, 10 is in default; None beside them means referred or not scored."""


@dataclass(frozen=True)
class Headline:
    """The book in one line. at_risk: sum of PD times exposure; without_score: exposure of customers that were not graded."""

    n_customers: int
    exposure: Decimal
    overdue: Decimal
    at_risk: Decimal
    n_over_limit: int
    above_limit: Decimal
    n_referred: int
    without_score: Decimal


@dataclass(frozen=True)
class GradeRow:
    """One grade's part of the book; pd is weighted by exposure, None where nothing is open."""

    grade: int | None
    n: int
    exposure: Decimal
    pd: float | None


@dataclass(frozen=True)
class LimitChanges:
    """Which limits the policy would change: how many and how much, and the caps that bind where it cuts."""

    n_cut: int
    cut: Decimal
    n_raised: int
    raised: Decimal
    n_kept: int
    n_new: int
    cuts: tuple[Scored, ...]
    raises: tuple[Scored, ...]
    binding: tuple[tuple[str, int, Decimal], ...]


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts; zero for none."""
    return sum(amounts, Decimal(0))


def headline(customers: Sequence[Scored]) -> Headline:
    """The book's headline. Over the limit means: owes more than the limit it has been granted."""
    over = [line for line in customers if line.limit_now is not None and line.exposure > line.limit_now]
    ungraded = [line for line in customers if line.grade is None]
    return Headline(
        n_customers=len(customers),
        exposure=total(line.exposure for line in customers),
        overdue=total(line.overdue for line in customers),
        at_risk=total(line.exposure * Decimal(str(line.pd)) for line in customers if line.pd is not None and line.exposure > 0),
        n_over_limit=len(over),
        above_limit=total(line.exposure - line.limit_now for line in over if line.limit_now is not None),
        n_referred=len(ungraded),
        without_score=total(line.exposure for line in ungraded),
    )


def by_grade(customers: Sequence[Scored]) -> list[GradeRow]:
    """One row a grade, best first, then the customers without one if there are any."""
    rows = []
    for grade in (*GRADES, None):
        members = [line for line in customers if line.grade == grade]
        if grade is None and not members:
            continue
        exposure = total(line.exposure for line in members)
        weighed = [(line.exposure, line.pd) for line in members if line.pd is not None and line.exposure > 0]
        weight = total(amount for amount, _ in weighed)
        pd = sum(float(amount) * pd for amount, pd in weighed) / float(weight) if weight else None
        rows.append(GradeRow(grade, len(members), exposure, pd))
    return rows


def large(customers: Sequence[Scored]) -> list[Scored]:
    """The largest customers that together hold half of the exposure, largest first."""
    open_ones = sorted((line for line in customers if line.exposure > 0), key=lambda line: (-line.exposure, line.customer_id))
    whole, held = total(line.exposure for line in open_ones), Decimal(0)
    chosen = []
    for line in open_ones:
        if held >= LARGE_SHARE * whole:
            break
        chosen.append(line)
        held += line.exposure
    return chosen


def riskiest_large(customers: Sequence[Scored], n: int = 10) -> list[Scored]:
    """The n riskiest of the large exposures by PD, then by exposure. In default is left out: there the risk has come."""
    rated = [line for line in large(customers) if line.pd is not None and line.grade != IN_DEFAULT]
    return sorted(rated, key=lambda line: (-(line.pd or 0), -line.exposure, line.customer_id))[:n]


def in_default(customers: Sequence[Scored]) -> tuple[int, Decimal]:
    """How many customers are in default, and what they owe."""
    found = [line.exposure for line in customers if line.grade == IN_DEFAULT]
    return len(found), total(found)


def risk_matrix(customers: Sequence[Scored]) -> Mapping[tuple[int | None, str], Decimal]:
    """Exposure by grade and by how late the oldest open invoice is. The cells add up to the exposure of the book."""
    cells: dict[tuple[int | None, str], Decimal] = {}
    for line in customers:
        cells[line.grade, line.oldest] = cells.get((line.grade, line.oldest), Decimal(0)) + line.exposure
    return cells


def limit_changes(customers: Sequence[Scored], n: int = 8) -> LimitChanges:
    """The recommended limits against the present ones, largest changes first; and how often each cap binds, with its limits."""
    changed = [(change, line) for line in customers if (change := line.limit_change) is not None]
    cuts = sorted((pair for pair in changed if pair[0] < 0), key=lambda pair: (pair[0], pair[1].customer_id))
    raises = sorted((pair for pair in changed if pair[0] > 0), key=lambda pair: (-pair[0], pair[1].customer_id))
    decided = [line for line in customers if line.limit is not None]
    counts = Counter(line.binding_cap for line in decided)
    sums = {cap: total(line.limit for line in decided if line.binding_cap == cap and line.limit is not None) for cap in counts}
    return LimitChanges(
        n_cut=len(cuts),
        cut=total(change for change, _ in cuts),
        n_raised=len(raises),
        raised=total(change for change, _ in raises),
        n_kept=len(changed) - len(cuts) - len(raises),
        n_new=sum(line.limit_now is None for line in decided),
        cuts=tuple(line for _, line in cuts[:n]),
        raises=tuple(line for _, line in raises[:n]),
        binding=tuple((cap, counts[cap], sums[cap]) for cap in sorted(counts, key=lambda cap: (-counts[cap], cap))),
    )
