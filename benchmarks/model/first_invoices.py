"""First invoices: is the first invoice of a new customer late? The forecast's answer for newcomers, against the limit.

What `riskscore forecast` says of a customer that has not settled an invoice yet: the hazard of newcomers, learned from what was
known before each quarter as a training learns it, asked about the first invoices of customers that joined. That the whole hazard
answers with nothing else is checked on the newest quarter. Beside it stands a model of such invoices alone, which is asked one
question and reads a little more (`model.first_invoices_alone`).

One world has some six hundred first invoices: what came of them moves the share attained by a tenth and more, whatever the model.
So several worlds are judged as one. Beside it stands the share *expected*: the mean loss by the chance that the limit gives to
each invoice, instead of by what came of it. It has no such noise, and it is what changes to the model were chosen by, on worlds
that are not reported here (seeds 101 to 103 of `default`, 101 of `sme`).

How far a model of the same inputs can come is asked of the limit itself: a linear one is taught the chances that the limit gives
to first invoices of the other worlds, which hold no chance at all, and tells those of each.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit, logit
from sklearn.linear_model import Ridge

from riskscore import recipe
from riskscore.evaluation import LeakFound, attained, check_below_limit
from riskscore.hazard import Cases, Curves, Hazard, Lately, all_at_issue, paid_lately, take_cases
from riskscore.hazard.bins import book_pace
from riskscore.hazard.fit import fit_hazard
from riskscore.hazard.fit_newcomers import fit_newcomers
from riskscore.hazard.inputs import fit_habits
from riskscore.hazard.late_at_all import NUMBERS, Asked, asked_of
from riskscore.hazard.newcomers import BOOSTERS, Newcomers
from riskscore.hazard.watched import Lessons
from riskscore.model.members import describe_term
from riskscore.recipe import Recipe
from riskscore.simulation import World, simulate
from riskscore.simulation.oracle import odds_at_issue
from riskscore.snapshot import customers_known_at, take_histories
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text
from riskscore.tables import Ledger
from riskscore.training.fates import Fates
from riskscore.training.gathering_invoices import catalogue_of, gather_invoices
from riskscore.training.invoices import customers_of, enough

QUARTER, BLOCKS = 91, 8
N_COMPARED = 40
SEEDS = (11, 7, 13, 17, 19)


@dataclass(frozen=True)
class Judged:
    """First invoices of one world, one entry each. prior: the share late before the quarter. limit: by the Bayes filter."""

    pd: Any
    prior: Any
    limit: Any
    outcome: Any
    customers: Any
    read: Asked | None = None


def rows(quick: bool) -> list[dict[str, Any]]:
    """Two rows a preset: the share attained on the first invoices of customers that joined, over several worlds."""
    from model.first_invoices_alone import by_a_model_of_their_own

    signed = recipe.parse(find_text("late_payment/recipe.toml").read_text(encoding="utf-8"))
    found = []
    for preset, seeds, floor in (("default", SEEDS, 0.95), ("sme", SEEDS[:2], None)):
        by_forecast, alone = {}, {}
        for number, seed in enumerate(seeds[:1] if quick else seeds):
            world = simulate(preset, n_customers=600 if quick else 2400, n_months=36, seed=seed)
            by_forecast[seed] = first_invoices(world, signed, whole=number == 0)
            alone[seed] = by_a_model_of_their_own(world, signed)
        found.append(_row(preset, "the forecast", by_forecast, signed.seed, floor))
        found.append(_row(preset, "a model of them alone", alone, signed.seed, None))
    return found


def _row(preset: str, who: str, each: dict[int, Judged], seed: int, floor: float | None) -> dict[str, Any]:
    starts = np.cumsum([0, *(int(judged.customers.max()) + 1 for judged in each.values())])
    customers = np.concatenate([judged.customers + start for judged, start in zip(each.values(), starts, strict=False)])
    pd, prior, limit, outcome = (
        np.concatenate([getattr(judged, name) for judged in each.values()]) for name in ("pd", "prior", "limit", "outcome")
    )
    found = attained(pd, limit, np.full(len(pd), outcome.mean()), outcome, customers, seed=seed)
    try:
        check_below_limit(found)
        honest = True
    except LeakFound:
        honest = False
    of_one = "; ".join(
        f"seed {number} {_share(judged, judged.outcome):.2f} (expected {_share(judged, judged.limit):.2f})"
        for number, judged in each.items()
    )
    return {
        "work": f"simulator {preset}, first invoices of new customers, late > 0, by {who}: attained over {len(each)} worlds",
        "measured": f"{found.share.value:.3f} ({found.share.low:.3f} to {found.share.high:.3f}) on {len(pd):,} invoices "
        f"(log loss {found.model:.4f}, prior {found.prior:.4f}, limit {found.limit:.4f}); expected "
        f"{_share(Judged(pd, prior, limit, outcome, customers), limit):.3f}; {of_one}",
        "floor": "not beyond the limit" if floor is None else f"{floor}, and not beyond the limit",
        "peers": f"the share late before each quarter: log loss {_loss(prior, outcome).mean():.4f}" + taught_by_the_limit(each),
        "passed": bool(honest and (floor is None or found.share.value >= floor)),
        "command": "python benchmarks/bench_model.py --only first_invoices",
    }


def taught_by_the_limit(each: dict[int, Judged]) -> str:
    """The share expected of a linear model that was taught the limit's own chances by the other worlds; nothing of one world."""
    read = [judged.read for judged in each.values() if judged.read is not None]
    if len(read) < 2:
        return ""
    numbers = np.concatenate([world.numbers for world in read])
    terms = [describe_term(numbers[:, at], {"name": name, "kind": "number"}, 0.01) for at, name in enumerate(NUMBERS)]
    inputs, limits = [world.design(terms) for world in read], [judged.limit for judged in each.values()]
    told = []
    for asked in range(len(inputs)):
        others = [at for at in range(len(inputs)) if at != asked]
        taught = Ridge(1.0).fit(
            np.concatenate([inputs[at] for at in others]), logit(np.concatenate([limits[at] for at in others]))
        )
        told.append(expit(taught.predict(inputs[asked])))
    pd, limit = np.concatenate(told), np.concatenate(limits)
    return f"; taught the limit itself by the other worlds: expected {_share(Judged(pd, pd, limit, limit, limit), limit):.3f}"


def _share(judged: Judged, outcome: Any) -> float:
    """The share attained by an outcome, or by the chance of it."""
    constant = np.full(len(outcome), outcome.mean())
    before, after, best = (_loss(each, outcome).mean() for each in (constant, judged.pd, judged.limit))
    return float((before - after) / (before - best))


def first_invoices(world: World, signed: Recipe, *, whole: bool = False) -> Judged:
    """The first invoices of customers that joined, each judged by a hazard of what was known before its quarter.

    whole: check on some invoices of the newest quarter that the whole hazard says the same.
    """
    ledger = ledger_of(dict(world.tables), "EUR")
    refits = [world.end_on - timedelta(days=QUARTER * n) for n in range(BLOCKS, 0, -1)]
    gathered = gather_invoices([ledger], signed, until=world.end_on, refits=refits)
    cases, late, limit = _first_cases(world, ledger)
    issued, book = cases.column("as_of"), Payments(ledger, world.end_on)
    pd, prior = np.full(len(cases), np.nan), np.full(len(cases), np.nan)
    for number, refit in enumerate(refits):
        start, day_before = day_number(refit), refit - timedelta(days=1)
        now = (issued >= start) & (issued < start + QUARTER)
        learned, then = gathered.cases_known(day_before)
        if now.any() and enough(then, signed):
            asked, lessons = cases.take(now), gathered.issued_known(day_before)
            pd[now] = _newcomers(learned, then, lessons, asked, signed, book).late(0)
            prior[now] = np.nanmean(then.late(0))
            if whole and number == len(refits) - 1:
                _check_whole(learned, then, lessons, asked, signed, book, pd[now])
    done = ~np.isnan(pd) & ~np.isnan(late)
    return Judged(pd[done], prior[done], limit[done], late[done], customers_of(cases)[done], asked_of(cases.take(done)))


def _first_cases(world: World, ledger: Ledger) -> tuple[Cases, Any, Any]:
    """The first invoice of every customer that joined, on the day of its issue; whether it was late; the limit's chance of it."""
    odds = odds_at_issue(world, lateness=(0,))
    billing, joined = world.truth.billing, world.truth.people.joined_month
    who, issued = billing.customer[odds.invoice], billing.issued[odds.invoice]
    order = np.lexsort((odds.invoice, issued, who))
    first = order[np.append(True, np.diff(who[order]) != 0)]
    first = first[joined[who[first]] > 0]
    truth = odds.table(world).take(pa.array(first))
    place = {invoice: at for at, invoice in enumerate(truth["invoice_id"].to_pylist())}
    days = all_at_issue(ledger)
    new = {world.truth.people.customer_id[each] for each in who[first].tolist()}
    days = days.filter(pa.array([each in new for each in days["customer_id"].to_pylist()]))
    ids = np.asarray(days["customer_id"].to_pylist(), dtype=object)
    cases = take_cases(ledger, days.filter(pa.array(np.append(True, ids[1:] != ids[:-1]))))
    cases = cases.take(np.array([each in place for each in cases.invoices["invoice_id"].to_pylist()]))
    at = np.array([place[each] for each in cases.invoices["invoice_id"].to_pylist()])
    late = truth["realised_0"].cast(pa.float64()).to_numpy(zero_copy_only=False)[at]
    return cases, late, truth["filtered_0"].to_numpy()[at]


class Payments:
    """How the book was paid before any day: what a forecast of the day knows of it."""

    def __init__(self, ledger: Ledger, until: date) -> None:
        self._known, self._found = take_histories(ledger, customers_known_at(ledger, until)), dict[int, Lately]()

    def before(self, days: Any, window: int) -> Lately:
        """By what was known at the end of each of the days, given as numbers."""
        for day in sorted(set(days.astype(int).tolist()) - set(self._found)):
            self._found[day] = paid_lately(self._known, date_of(day), window)
        each = [self._found[day] for day in days.astype(int).tolist()]
        return Lately(np.array([day.n for day in each]), np.array([day.n_late for day in each]))


def _newcomers(learned: Cases, fates: Fates, issued: Lessons, asked: Cases, signed: Recipe, book: Payments) -> Curves:
    """The curves by the hazard of newcomers alone: fitting the other one as well would only cost time."""
    habits = fit_habits(learned)
    fitted = fit_newcomers(learned, fates, habits, signed, issued=issued)
    hazard = Newcomers(fitted.formula, habits, [fitted.files[name] for name in BOOSTERS])
    lately = None if hazard.follows_days is None else book.before(asked.column("as_of"), hazard.follows_days)
    return Curves(asked.age, hazard.survived(asked, lately), book_pace(habits["mean"]))


def _check_whole(learned: Cases, fates: Fates, issued: Lessons, asked: Cases, signed: Recipe, book: Payments, said: Any) -> None:
    """The whole hazard, as a training makes it and a forecast reads it, answers newcomers with the same."""
    few = np.arange(len(asked)) < N_COMPARED
    some = asked.take(few)
    hazard = Hazard(fit_hazard(learned, fates, catalogue_of(), signed, issued=issued))
    lately = None if hazard.follows_days is None else book.before(some.column("as_of"), hazard.follows_days)
    curves = hazard.curves(some, lately)
    if not (asked.newcomer.all() and np.allclose(curves.late(0), said[few], rtol=0, atol=1e-12)):
        raise AssertionError("the forecast of first invoices is not that of the hazard of newcomers")


def _loss(pd: Any, outcome: Any) -> Any:
    """Log loss by an outcome of 0 or 1, or in the mean by the chance of it."""
    return -(outcome * np.log(pd) + (1 - outcome) * np.log1p(-pd))
