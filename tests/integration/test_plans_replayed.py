"""Every plan that is shown for a simulated book reaches its target when its facts are delivered, ingested and scored like any others."""

import csv
import json
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deciding import LinearModel
from finance import quiet
from riskscore.plans import Plan, Plans, Secure, Settle, Target
from riskscore.policy.recommendation import credit_days
from riskscore.simulation import simulate
from riskscore.stores.desk import Desk, Signed, in_force, open_desk
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.runs import decide_book
from riskscore.stores.workplace import Workplace
from riskscore.tables import TABLES
from riskscore_pipelines import plans as verb
from riskscore_pipelines.main import main

pytestmark = pytest.mark.slow

MOST = 40
ENOUGH = 4


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the exports and the book of fourteen invented customers."""
    folder = tmp_path_factory.mktemp("company")
    world = simulate("default", n_customers=14, n_months=16, seed=5)
    write_exports(world, folder / "exports")
    taken(folder / "exports", folder / "book", world.end_on)
    return folder


def taken(exports: Path, book: Path, on: date) -> None:
    ingest(Delivery(places=[str(exports)], mapping=load("canonical"), extracted_on=on), book)


@pytest.fixture(scope="module")
def signed(company: Path) -> Signed:
    found = in_force(
        Workplace(models=company / "models"), None, open_book(company / "book").last_known_on, model_name="late_payment"
    )
    model = LinearModel()
    model.horizon_days = model.newcomer.horizon_days = found.grades.horizon_days
    return replace(found, model=model)


@pytest.fixture(scope="module")
def desk(company: Path, signed: Signed) -> Desk:
    book = open_book(company / "book")
    return open_desk(book, book.last_known_on, signed, quiet)


@pytest.fixture(scope="module")
def shown(desk: Desk) -> list[tuple[Plans, Plan]]:
    """A plan of each sort of events and target, from the customers in turn."""
    sorts: dict[Any, tuple[Plans, Plan]] = {}
    for customer in desk.book.customer_ids():
        rehearsal = desk.rehearsal(customer)
        assert rehearsal is not None
        for kind in ("grade", "limit", "terms"):
            found = rehearsal.plans(Target(kind), most_replays=MOST)
            for plan in found.plans:
                sort = (kind, tuple(sorted({getattr(each, "kind", type(each).__name__) for each in plan.events})))
                sorts.setdefault(sort, (found, plan))
        if len(sorts) >= ENOUGH:
            break
    assert len(sorts) >= ENOUGH
    return list(sorts.values())


def delivered(plan: Plan, customer: str, on: date, exports: Path) -> None:
    """The facts of a plan as the lines an ERP would export: written here, not by what is tested."""
    for number, event in enumerate(plan.events):
        if isinstance(event, Settle):
            add(exports, "settlements", settlement_id=f"BANK-{number}", invoice_id=event.invoice_id, kind="payment", settled_on=on,
                amount=event.amount, known_on=on)  # fmt: skip
        elif isinstance(event, Secure):
            add(exports, "securities", customer_id=customer, kind=event.kind, amount=event.amount, currency=event.currency,
                valid_from=on, known_on=on)  # fmt: skip
        else:
            add(exports, "statements", customer_id=customer, period_end=event.period_end, published_on=on, currency=event.currency,
                **dict(event.figures))  # fmt: skip


def add(exports: Path, table: str, **cells: Any) -> None:
    path = exports / f"{table}.csv"
    if not path.exists():
        path.write_text(",".join(column.name for column in TABLES[table].columns if not column.filled) + "\n", encoding="utf-8")
    with path.open(newline="", encoding="utf-8") as text:
        names = next(csv.reader(text))
    assert set(cells) - {"known_on"} <= set(names), "what is not known otherwise is known from its own date"
    with path.open("a", newline="", encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerow([cells.get(name, "") for name in names])


def decided(desk: Desk, company: Path, folder: Path, customer: str, plan: Plan) -> Any:
    """The decision about the customer in a run over a copy of the book in which the plan has happened."""
    shutil.copytree(company / "exports", folder / "exports")
    delivered(plan, customer, desk.as_of, folder / "exports")
    taken(folder / "exports", folder / "book", desk.as_of)
    run = decide_book(open_book(folder / "book"), desk.as_of, desk.signed, told=quiet)
    return next(each for part in run for each in part.decisions if each.customer_id == customer)


def has_reached(found: Plans, after: Any) -> bool:
    """Said again from what is wanted, not by what is tested."""
    now, got = found.now, after.recommendation
    assert now is not None
    if found.target.kind == "grade":
        return after.grade is not None and (now.grade is None or after.grade < now.grade)
    if found.target.kind == "limit":
        return bool(got.limit > now.limit)
    return credit_days(got.terms) > credit_days(now.terms)


def test_without_events_it_is_the_decision_of_the_book(desk: Desk) -> None:
    for customer in desk.book.customer_ids()[:6]:
        rehearsal, decision = desk.rehearsal(customer), desk.decide(customer)
        assert rehearsal is not None
        assert decision is not None
        assert rehearsal.base.to_bytes() == decision.to_bytes()


def test_every_sort_of_plan_holds_when_its_facts_are_delivered_and_scored(
    desk: Desk, company: Path, shown: list[tuple[Plans, Plan]], tmp_path: Path
) -> None:
    for number, (found, plan) in enumerate(shown):
        after = decided(desk, company, tmp_path / str(number), found.customer_id, plan)
        assert has_reached(found, after), plan
        got = after.recommendation
        assert (after.grade, got.limit, got.terms, after.pd) == (
            plan.after.grade,
            plan.after.limit,
            plan.after.terms,
            plan.after.pd,
        )


def test_a_plan_that_lacks_one_of_its_events_is_seen(
    desk: Desk, company: Path, shown: list[tuple[Plans, Plan]], tmp_path: Path
) -> None:
    # The planted fault: what is claimed is more than what is delivered.
    found, plan = next((found, plan) for found, plan in shown if found.target.kind == "limit")
    after = decided(desk, company, tmp_path / "less", found.customer_id, replace(plan, events=plan.events[1:]))

    assert not has_reached(found, after)


class TestVerb:
    @pytest.fixture
    def run(self, company: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
        monkeypatch.setattr(verb, "in_force", lambda *_, **__: signed)
        monkeypatch.chdir(company)

        def call(*options: str) -> tuple[int, str, str]:
            capsys.readouterr()
            return main(["plans", *options]), *capsys.readouterr()

        return call

    def test_the_same_plans_as_json_and_in_words(self, run: Any, shown: list[tuple[Plans, Plan]]) -> None:
        found, plan = next((found, plan) for found, plan in shown if found.target.kind == "limit")
        asked = ("--customer", found.customer_id, "--target", "limit", "--most-replays", str(MOST))
        (told,) = json.loads(run(*asked, "--json")[1])

        assert [each["then"]["limit"] for each in told["plans"]] == [str(each.after.limit) for each in found.plans]
        assert told["plans"][0]["cash"] == str(found.plans[0].cost.cash)
        assert Decimal(told["now"]["limit"]) < Decimal(told["plans"][0]["then"]["limit"])
        shown_text = " ".join(run(*asked, "--lang", "zh")[1].split())
        assert "更高的额度" in shown_text
        assert f"{plan.cost.cash:,.0f}" in shown_text

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--customer", "nobody"), "there is no customer 'nobody'"),
            (("--customer", "0000100001", "--limit", "5"), "needs --target limit"),
            (("--customer", "0000100001", "--target", "limit", "--limit", "-5"), "is not above 0"),
        ],
    )
    def test_what_cannot_be_asked_is_refused(self, run: Any, options: tuple[str, ...], words: str) -> None:
        status, _, err = run(*options)

        assert status == 2
        assert words in err
