"""Applicants: what somebody says who is in no book, as a ledger of one customer, decided on the one path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pyarrow as pa

from riskscore import features, positions
from riskscore.decisions import Asked, Decision, Provenance
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Params
from riskscore.scoring.path import Watch, decide_rows, unwatched
from riskscore.scoring.receivables import Receivables
from riskscore.snapshot import take_snapshot
from riskscore.tables import TABLES, Ledger

MONTH = 30
CENT = Decimal("0.01")

OF_PEOPLE = frozenset(
    {
        "sole_trader", "sole_proprietor", "sole proprietorship", "sole trader", "freelancer", "individual", "self-employed",
        "natural_person", "einzelunternehmen", "e.k.", "e.kfm.", "e.kfr.", "freiberufler", "个体工商户", "个人独资企业", "自然人",
    }
)  # fmt: skip
"""Legal forms behind which a natural person stands; compared without regard to case."""

Rows = Mapping[str, pa.Table]


@dataclass(frozen=True, kw_only=True)
class Application:
    """What an applicant says. Everything but the country and what is asked for may be unknown.

    applicant_id: invented, leads to nobody. statements, ratings: rows of the canonical tables of that name, without the customer
    and without `known_on`: they are known from the day of the application. monthly_purchases: what the applicant expects to buy
    in a month, in the reporting currency.
    """

    applicant_id: str
    country: str
    asked: Asked
    legal_form: str | None = None
    is_natural_person: bool | None = None
    industry: str | None = None
    statements: Sequence[Mapping[str, Any]] = ()
    ratings: Sequence[Mapping[str, Any]] = ()
    monthly_purchases: Decimal | None = None

    @property
    def may_be_a_person(self) -> bool | None:
        """Is it a natural person? What the legal form says wins over what was ticked; null where neither says it."""
        of_a_person = self.legal_form is not None and self.legal_form.strip().casefold() in OF_PEOPLE
        return True if of_a_person else self.is_natural_person

    def tables(self, on: date) -> Rows:
        """The canonical tables of a ledger that knows this applicant only, since that day."""
        known = {"customer_id": self.applicant_id, "known_on": on}
        who = {
            "legal_form": self.legal_form, "is_natural_person": self.may_be_a_person, "industry": self.industry,
            "country": self.country,
        }  # fmt: skip
        given = {"customers": [who], "statements": self.statements, "ratings": self.ratings}
        return {name: _table(name, [{**row, **known} for row in rows]) for name, rows in given.items()}


def decide_applicant(
    application: Application,
    ledger_of: Callable[[Rows], Ledger],
    model: Model | None,
    grades: Grades,
    params: Params,
    *,
    receivables: Receivables,
    provenance: Provenance,
    watch: Watch = unwatched,
) -> Decision:
    """The decision about an applicant, with the same features, positions, model and policy as a customer of the book.

    ledger_of: makes a ledger of tables. receivables: of the book, because one buyer's share depends on it. Where the applicant
    does not say how much it will buy, it is taken to need what it asks for.
    """
    with watch("snapshot", 1):
        ledger = ledger_of(application.tables(provenance.as_of))
        on = pa.array([provenance.as_of], pa.date32())
        snapshot = take_snapshot(ledger, pa.table({"customer_id": pa.array([application.applicant_id]), "as_of": on}))
    with watch("features", 1):
        frame = features.compute(snapshot)
    with watch("positions", 1):
        standing = _expecting(positions.compute(snapshot), application, params)
    decisions = decide_rows(
        frame, standing, model, grades, params, receivables=receivables, provenance=provenance, watch=watch
    )  # fmt: skip
    return replace(decisions[0], asked=application.asked)


def _expecting(standing: pa.Table, application: Application, params: Params) -> pa.Table:
    """The position with what the applicant expects to buy in the place of what it bought, and the terms it asks for."""
    asked = application.asked
    purchases, terms = application.monthly_purchases, params.need_assumed_terms if asked.terms is None else asked.terms
    if purchases is None:
        period = max(terms, 0) + params.need_days_late
        purchases = (asked.limit * MONTH / max(period, 1)).quantize(CENT, ROUND_FLOOR)
    for name, value in (("monthly_purchases", purchases), ("typical_terms_days", asked.terms)):
        place = standing.column_names.index(name)
        standing = standing.set_column(place, name, pa.array([value], positions.SCHEMA[name]))
    return standing


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[name].arrow_schema
    return pa.table({field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}, schema=schema)
