"""A desk that keeps the contract on the real path, with the linear model, for tests of what answers through it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.decisions import Decision, Doubt, Provenance
from riskscore.scoring import Application, decide_applicant, decide_rows
from riskscore.stores.engines import ledger_in_memory
from riskscore.stores.overview import Line

BAD = {**GOOD, "days_beyond_terms_90d": 90.0, "late_share_30_365d": 1.0}

BOOK: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "acme": (GOOD, {"limit_now": None, "terms_now": None}),
    "slow": (BAD, {}),
    "person": (BAD, {"is_natural_person": True}),
    "newcomer": (GOOD, {"n_paid_invoices": 0}),
    "broke": (GOOD, {"in_default": True}),
}
"""Who is in the book: what the model reads and where they stand."""


@dataclass
class BookDesk:
    """Decides the customers of `BOOK` and applicants. model: None refers everybody.

    before: called before anybody is decided who was asked about. The list, which a server prepares unasked, is made without it, and
    by a model that answers, so that a model which hangs or fails meets who is asked about, and no list of another desk waits for it.
    """

    model: Any = field(default_factory=LinearModel)
    doubt: Doubt | None = None
    before: Callable[[Doubt | None], None] = lambda _doubt: None
    made: Provenance = PROVENANCE
    params: Any = field(default_factory=shipped)
    reporting_currency: str = "EUR"
    texts: Any = field(default_factory=dict)

    @property
    def as_of(self) -> Any:
        return self.made.as_of

    @property
    def book_digest(self) -> str:
        return self.made.book

    n_customers: int = len(BOOK)

    @cached_property
    def overview(self) -> list[Line]:
        model = None if self._model(self.doubt) is None else LinearModel()
        return [Line.of(self._decided(name, self.doubt, model)) for name in sorted(BOOK)]

    def listed(self, store: Any = None) -> Iterator[list[Line]]:
        yield self.overview

    def provenance(self, doubt: Doubt | None) -> Provenance:
        model = self._model(doubt)
        return replace(self.made, model=None if model is None else model.digest, doubt=doubt)

    def _model(self, doubt: Doubt | None) -> Any:
        return None if doubt == "model_unavailable" else self.model

    def decide(self, customer_id: str, doubt: Doubt | None = None) -> Decision | None:
        doubt = doubt or self.doubt
        self.before(doubt)
        return self._decided(customer_id, doubt, self._model(doubt)) if customer_id in BOOK else None

    def _decided(self, customer_id: str, doubt: Doubt | None, model: Any) -> Decision:
        values, facts = BOOK[customer_id]
        return decide_rows(
            features_of(customer_id, **values), positions_of(customer_id, **facts), model, GRADES, self.params,
            receivables=RECEIVABLES, provenance=self.provenance(doubt),
        )[0]  # fmt: skip

    def rehearsal(self, customer_id: str) -> None:
        """Its customers are features and positions only: there is no ledger to add facts to."""
        return

    def decide_applicant(self, application: Application, doubt: Doubt | None = None) -> Decision:
        doubt = doubt or self.doubt
        self.before(doubt)
        return decide_applicant(
            application, lambda tables: ledger_in_memory(tables, "EUR"), self._model(doubt), GRADES, self.params,
            receivables=RECEIVABLES, provenance=self.provenance(doubt),
        )  # fmt: skip
