"""Rows to learn from: every customer with a payment history at every cut of the recipe, and what became of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import features, positions
from riskscore.errors import TooFewEvents, UsageRefused
from riskscore.evaluation import check_maturity
from riskscore.model.rows import FAMILY, Rows
from riskscore.outcomes import observe
from riskscore.recipe import Recipe
from riskscore.snapshot import QUIET_DAYS, customers_known_at, last_known_day, month_ends, take_snapshot
from riskscore.tables import Ledger
from riskscore.training.blocks import judged_from
from riskscore.training.families import families_of, kin_of

EPOCH = date(1970, 1, 1)
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of it are done, and of how many."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Gathered:
    """The rows of a training, and how many observations it left out and why.

    rows: features (and `legal_form`, `family_id`) and outcome, one row a customer and cut. newcomers: the same of customers that
    had bought and not paid an invoice yet. cuts: the dates. until: facts after it were not used.
    left_out: reason to number of observations that are no `rows`; those without a settled invoice are counted with `newcomers`
    among them. causes: what the events were, to number of rows.
    """

    rows: Rows
    newcomers: Rows
    cuts: tuple[date, ...]
    until: date
    left_out: Mapping[str, int]
    causes: Mapping[str, int]


class Ledgers(Protocol):
    """The ledgers of one book, each customer in one of them; gone through more than once."""

    def __iter__(self) -> Iterator[Ledger]: ...

    def __len__(self) -> int: ...


def gather(ledgers: Ledgers, recipe: Recipe, *, until: date, jobs: int = 1, progress: Progress = silent) -> Gathered:
    """The rows of every ledger (one a bucket, together one book) at the recipe's cuts, outcomes judged on facts until `until`.

    jobs: ledgers worked on at once; the rows are the same for any number.
    Left out: customers in default at the cut (nothing is left to predict), those without a settled invoice (who of them has
    bought is a newcomer), and dormant ones that owe nothing and bought nothing for a year: who owes nothing cannot be late, and
    that is no merit to learn.
    Raises TooFewEvents where no month end has both the history and the finished outcome window that the recipe asks for,
    UsageRefused where the ledgers know nothing of `until` (see `check_until`).
    """
    cuts = cuts_of(ledgers, recipe, until)
    pieces: list[_Piece] = []
    for piece in _in_order(ledgers, lambda ledger: _gather_one(ledger, cuts, recipe, until), jobs):
        progress("features and outcomes", len(pieces), len(ledgers))
        pieces.append(piece)
    progress("features and outcomes", len(ledgers), len(ledgers))
    left_out = {
        "in_default": sum(piece.n_in_default for piece in pieces),
        "without_settled_invoice": sum(piece.n_without_history for piece in pieces),
        "dormant": sum(piece.n_dormant for piece in pieces),
    }
    inputs = _with_families(
        pa.concat_tables([piece.inputs for piece in pieces]), [pair for piece in pieces for pair in piece.kin]
    )
    outcomes = pa.concat_tables([piece.outcomes for piece in pieces])
    history = np.concatenate([piece.history for piece in pieces])
    if not history.any():
        raise TooFewEvents(
            f"no customer had a settled invoice at any month end from {cuts[0]} to {cuts[-1]}. Where they did pay, see that the "
            f"settlements of the export name their invoices. {ADVICE}"
        )
    if not inputs.select(["customer_id", "as_of"]).equals(outcomes.select(["customer_id", "as_of"])):
        raise AssertionError("features and outcomes are not of the same customers and dates")
    check_maturity(outcomes["matures_on"].cast(pa.int32()).to_numpy().astype(np.float64), until)
    rows, newcomers = (
        Rows.of(inputs.filter(kept), outcomes["outcome"].filter(kept).cast(pa.float64()).to_numpy())
        for kept in (pa.array(history), pa.array(~history))
    )
    causes = pc.value_counts(outcomes["cause"].filter(pa.array(history)).drop_null()).to_pylist()
    counted = dict(sorted((entry["values"], entry["counts"]) for entry in causes))
    return Gathered(rows, newcomers, cuts, until, left_out, counted)


@dataclass(frozen=True)
class _Piece:
    """What one ledger gives. history: row by row, whether the customer had settled an invoice. kin: see `kin_of`."""

    inputs: pa.Table
    outcomes: pa.Table
    history: np.ndarray[Any, np.dtype[np.bool_]]
    kin: list[tuple[str, str]]
    n_in_default: int
    n_without_history: int
    n_dormant: int


def _gather_one(ledger: Ledger, cuts: tuple[date, ...], recipe: Recipe, until: date) -> _Piece:
    snapshot = take_snapshot(ledger, _observations(ledger, cuts))
    facts = positions.compute(snapshot)
    history = pc.greater(facts["n_paid_invoices"], 0)
    defaulted = pc.and_(history, facts["in_default"])
    buys = pc.greater(pc.fill_null(facts["monthly_purchases"], 0), 0)
    owes = pc.greater(facts["exposure"], 0)
    awake = pc.and_(pc.invert(facts["in_default"]), pc.or_(buys, owes))
    # The legal form is no feature; beside them it lets the model be judged by it.
    inputs = features.compute(snapshot).append_column("legal_form", facts["legal_form"]).filter(awake)
    with_history = history.filter(awake).to_numpy()
    return _Piece(
        inputs=inputs,
        outcomes=observe(ledger, inputs.select(["customer_id", "as_of"]), recipe.definition, until=until),
        history=with_history,
        kin=kin_of(snapshot),
        n_in_default=_count(defaulted),
        n_without_history=facts.num_rows - _count(history),
        n_dormant=_count(history) - _count(defaulted) - int(with_history.sum()),
    )


def _with_families(inputs: pa.Table, kin: Sequence[tuple[str, str]]) -> pa.Table:
    """The rows with the family of their customer, the same on all of them; no feature, and read by nothing but splits."""
    families = families_of(kin)
    names = [families.get(customer, customer) for customer in inputs["customer_id"].to_pylist()]
    return inputs.append_column(FAMILY, pa.array(names, pa.string()))


def _count(flags: pa.ChunkedArray) -> int:
    return int(pc.sum(flags).as_py() or 0)


def _in_order(ledgers: Ledgers, work: Callable[[Ledger], _Piece], jobs: int) -> Iterator[_Piece]:
    """The work of every ledger, in their order, at most `jobs` in memory. Threads, because the engine leaves Python's lock."""
    if jobs == 1:
        yield from map(work, ledgers)
        return
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[_Piece]] = deque()
        for ledger in ledgers:
            waiting.append(pool.submit(work, ledger))
            if len(waiting) == jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def check_until(last_days: Iterable[date | None], until: date) -> None:
    """Can these ledgers tell what became of invoices until that day? last_days: the last known day of each; null: knows nothing.

    One bucket of a book may be silent for long, all of them not: the newest day counts. Raises UsageRefused where `until` lies
    more than `QUIET_DAYS` after it: every invoice open then would be learned as one that nobody pays.
    """
    newest = max((day for day in last_days if day is not None), default=None)
    if newest is not None and until > newest + timedelta(days=QUIET_DAYS):
        raise UsageRefused(
            f"cannot learn until {until}: in the ledgers nothing became known after {newest}, {(until - newest).days} days "
            f"before. Every invoice open then would be learned as never paid. Ingest newer exports, or learn until {newest}."
        )


ADVICE = "Customers are referred instead of scored until there is more: ingest a longer history, or wait."
ADVICE_FOR_A_SMALL_BOOK = (
    "So few customers cannot teach a model, however long their history is: only more customers can. Each is shown with its own "
    "record and what the rules allow by riskscore score --no-model, and by report, explain and provision with the same option."
)
ADVICE_WHERE_ALL_ARE_LATE = (
    "Customers are referred instead of scored. Where nearly everybody pays late by this measure a longer history changes "
    "nothing: copy recipe.toml to models/late_payment/, say under [outcome] what is materially late in your trade, and train "
    "again."
)


def cuts_of(ledgers: Ledgers, recipe: Recipe, until: date) -> tuple[date, ...]:
    """The newest month ends with `warm_up_days` of invoices before them and the whole outcome window before `until`.

    Raises TooFewEvents where there is none, UsageRefused where the ledgers know nothing of `until`.
    """
    # An older invoice that became known later would open more months: a book that has grown since would teach another model.
    spans = [(_first_invoice(ledger, until), last_known_day(ledger)) for ledger in ledgers]
    check_until((last for _, last in spans), until)
    first = min((first for first, _ in spans if first is not None), default=None)
    if first is None:
        raise TooFewEvents(f"the book holds no invoice known by {until}. {ADVICE}")
    opened = EPOCH + timedelta(days=first + recipe.cuts.warm_up_days)
    closed = until - timedelta(days=recipe.outcome.horizon_days)
    cuts = month_ends(opened, closed)[-recipe.cuts.months :]
    if not cuts:
        needed = recipe.cuts.warm_up_days + recipe.outcome.horizon_days
        held = (until - EPOCH).days - first
        raise TooFewEvents(
            f"the book holds {max(held, 0)} days of invoices until {until}; a month end needs {recipe.cuts.warm_up_days} days "
            f"before it and {recipe.outcome.horizon_days} after it, {needed} together. {too_short(opened, recipe)}"
        )
    return tuple(cuts)


def too_short(opened: date, recipe: Recipe) -> str:
    """From when on a book can hold a judged model whose first month end is not before `opened`, and what to do until then."""
    day = judged_from(opened, recipe)
    when = "With these months and horizon no book is long enough" if day is None else f"A model can be judged from {day} on"
    return (
        f"{when}: the outcomes learned from must be over before the months that judge begin. Until then customers are referred "
        "instead of scored. Ingest older exports, or wait; or ask about a nearer day: a smaller horizon_days, the same in "
        f"copies of recipe.toml and grades.toml under models/{recipe.name}/."
    )


def _first_invoice(ledger: Ledger, until: date) -> int | None:
    known = ledger.frames["invoices"].filter(nw.col("known_on") <= (until - EPOCH).days)
    days = known.select(nw.col("issued_on").min()).collect("pyarrow")["issued_on"].to_list()
    return None if days[0] is None else int(days[0])


def _observations(ledger: Ledger, cuts: tuple[date, ...]) -> pa.Table:
    # Who is not known yet at an early cut has no settled invoice there and is left out by that: one question instead of many.
    customers = customers_known_at(ledger, cuts[-1])["customer_id"].to_pylist()
    return pa.table(
        {
            "customer_id": pa.array([customer for customer in customers for _ in cuts], pa.string()),
            "as_of": pa.array(list(cuts) * len(customers), pa.date32()),
        }
    )
