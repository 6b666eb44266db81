"""The benchmark of pay dates: who pays early and who pays late mature by the same rule."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from riskscore.training.fates import Fates

UNTIL = 20_000
ASKED = 4_000


@pytest.fixture
def invoices(monkeypatch, repository: Path):
    """The benchmark's module, which lies beside the package."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    from model import invoices as module

    return module


def true_curves(mean):
    """Curves of payments that are exponential with these mean ages: what is said of each invoice is true."""
    return SimpleNamespace(age_when=lambda share: -np.log1p(-share) * mean)


def a_book(mean, known_for, seed=5):
    """Invoices due so many days before the end of the book, paid as `true_curves` says."""
    paid = np.random.default_rng(seed).exponential(mean)
    return Fates(paid, known_for, np.ones(len(mean), dtype=bool)), UNTIL - known_for


def test_true_intervals_hold_four_in_five_although_late_payers_are_not_over(invoices):
    random = np.random.default_rng(1)
    mean = random.choice([10.0, 90.0], ASKED)  # the P90 of the slow ones is 207 days: for many it is not over
    known_for = random.integers(121, 250, ASKED).astype(float)
    fates, due = a_book(mean, known_for)
    mature, inside, early, late = invoices.where_paid(true_curves(mean), fates, due, UNTIL)
    at_once = (fates.paid <= fates.watched) | mature  # the fault: what is paid counts whether its P90 is over or not

    assert inside.mean() == pytest.approx(0.8, abs=0.03)
    assert (early.mean(), late.mean()) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.1, abs=0.02))
    assert (inside.astype(int) + early + late == 1).all()
    assert (fates.paid > true_curves(mean).age_when(0.9))[at_once].mean() < 0.08


@pytest.mark.parametrize(
    ("known_for", "counts"),
    [pytest.param(230.0, False, id="on-its-P90"), pytest.param(231.0, True, id="the-day-after")],
)
@pytest.mark.parametrize("paid", [1.0, 229.0, np.inf], ids=["paid-at-once", "paid-late", "never-paid"])
def test_an_invoice_counts_when_its_interval_is_over_whatever_came_of_it(invoices, known_for, counts, paid):
    curves = SimpleNamespace(age_when=lambda share: np.array([230.0 if share > 0.5 else 2.0]))
    fates = Fates(np.array([paid]), np.array([known_for]), np.ones(1, dtype=bool))
    mature, *_ = invoices.where_paid(curves, fates, np.array([UNTIL - known_for]), UNTIL)

    assert mature.tolist() == [counts]
