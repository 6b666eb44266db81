"""What the report says, as values: no engine, no disk, no language. Money is Decimal in the reporting currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from riskscore.policy.unmeasured import Unmeasured
from riskscore.promotion.drift import Drift


@dataclass(frozen=True)
class Ageing:
    """The open balance at a month end, by age; `amounts` in the order of `riskscore.portfolio.AGEING`."""

    on: date
    amounts: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        """The control total."""
        return sum(self.amounts, Decimal(0))

    @property
    def overdue_share(self) -> float:
        """Share of the balance past due; 0 where nothing is open."""
        return float(1 - self.amounts[0] / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True)
class Dso:
    """Days sales outstanding of the quarter that ends on a date; None where nothing was sold. alert: the rule fired here."""

    on: date
    days: float | None
    best_possible: float | None
    alert: bool = False

    @property
    def days_delinquent(self) -> float | None:
        """What lateness adds: DSO less best possible DSO."""
        return None if self.days is None or self.best_possible is None else self.days - self.best_possible


@dataclass(frozen=True)
class Scored:
    """One customer: what is known, what was decided; None where neither. oldest: the ageing bucket of its oldest open invoice."""

    customer_id: str
    name: str
    country: str
    status: str
    grade: int | None
    pd: float | None
    pd_low: float | None
    pd_high: float | None
    score: int | None
    data_depth: str
    exposure: Decimal
    overdue: Decimal
    oldest: str
    limit_now: Decimal | None
    limit: Decimal | None
    terms_now: str
    terms: str
    binding_cap: str
    reasons: tuple[str, ...]
    terms_next: str = ""

    @property
    def limit_change(self) -> Decimal | None:
        """Recommended less present limit; None where either is not known."""
        return None if self.limit is None or self.limit_now is None else self.limit - self.limit_now


@dataclass(frozen=True)
class Family:
    """One corporate family's share of the receivables."""

    name: str
    n_customers: int
    exposure: Decimal
    share: float


@dataclass(frozen=True)
class Concentration:
    """How much hangs on few: families by exposure, largest first. lorenz: (share of families, share of exposure)."""

    families: tuple[Family, ...]
    n_families: int
    top_10_share: float
    herfindahl: float
    single_buyer_cap: float
    lorenz: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Figure:
    """One figure of quality with its interval, beside the baseline's and the scorecard's; null where the run told none."""

    name: str
    value: float
    low: float
    high: float
    baseline: float | None
    baseline_low: float | None = None
    baseline_high: float | None = None
    scorecard: float | None = None
    scorecard_low: float | None = None
    scorecard_high: float | None = None


@dataclass(frozen=True)
class Calibration:
    """One grade out of time: how many, what was predicted, what happened, with the interval of chance.

    holds: the two can be squared, allowing for the number of grades looked at (Holm's rule over Jeffreys intervals).
    """

    grade: int
    n: int
    predicted: float
    observed: float
    low: float
    high: float
    holds: bool


@dataclass(frozen=True)
class Quality:
    """How well the model in force did on dates later than it had seen."""

    n: int
    n_customers: int
    event_share: float
    first_on: date
    last_on: date
    figures: tuple[Figure, ...]
    calibration: tuple[Calibration, ...]
    roc: tuple[tuple[float, float], ...]
    baseline_roc: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Delivery:
    """What became of the delivered rows of one table, and of their money: in = accepted + quarantined + duplicates."""

    table: str
    rows_in: int
    accepted: int
    duplicates: int
    quarantined: Mapping[str, int]
    money_quarantined: Mapping[str, Decimal]


@dataclass(frozen=True)
class Report:
    """Everything one report says. quiet_since: the book's last known day where that is before the date; null where it is not."""

    as_of: date
    currency: str
    horizon_days: int
    customers: Sequence[Scored]
    ageing: Sequence[Ageing]
    dso: Sequence[Dso]
    concentration: Concentration
    quality: Quality | None
    deliveries: Sequence[Delivery]
    provenance: Mapping[str, str]
    unmeasured: Unmeasured | None = None
    drift: Drift | None = None
    quiet_since: date | None = None
