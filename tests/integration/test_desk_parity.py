"""One answer whoever asks: what a desk keeps of a book decides as a single customer's own ledger does, to the last byte."""

import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.engine import Engine
from starlette.testclient import TestClient

from deciding import LinearModel
from doors import Open
from modelling import shipped_grades, small, trained
from riskscore.decisions import Asked, GradeBefore
from riskscore.errors import StorageFailed
from riskscore.features import CATALOGUE
from riskscore.scoring import Application
from riskscore.simulation import simulate
from riskscore.stores import decisions as log
from riskscore.stores import desk as desk_room
from riskscore.stores.database import open_database
from riskscore.stores.decisions import Before
from riskscore.stores.desk import Desk, Signed, in_force, look_at, open_desk
from riskscore.stores.exports import write_exports
from riskscore.stores.invariants import Evidence, exactly_once
from riskscore.stores.ledgers import Book, Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.overview import Line
from riskscore.stores.replaying import Replayer
from riskscore.stores.runs import decide_book
from riskscore.stores.workplace import Workplace
from riskscore.training import gather
from riskscore.training.gathering import Gathered
from riskscore_pipelines.train import BookLedgers
from riskscore_serving.app import create_app
from riskscore_serving.office import Rules
from riskscore_serving.settings import Address

pytestmark = pytest.mark.slow


def untold(*_: object) -> None: ...


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Desk, Signed]:
    """The same book with everything kept, and with nothing kept."""
    folder = tmp_path_factory.mktemp("company")
    world = simulate("default", n_customers=12, n_months=14, seed=5)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    book = open_book(folder / "book")
    signed = in_force(Workplace(models=folder / "models"), None, book.last_known_on, model_name="late_payment")
    model = LinearModel()
    model.horizon_days = signed.grades.horizon_days
    model.newcomer.horizon_days = signed.grades.horizon_days
    signed = replace(signed, model=model)
    return (
        open_desk(book, book.last_known_on, signed, untold),
        open_desk(book, book.last_known_on, signed, untold, held_at_most=0),
        signed,
    )


def test_kept_alone_and_in_a_run_a_customer_gets_the_same_bytes(desks):
    kept, alone, signed = desks
    run = {each.customer_id: each for part in decide_book(kept.book, kept.as_of, signed, told=untold) for each in part.decisions}
    assert kept.shelf is not None
    assert alone.shelf is None

    for customer in sorted(run):
        assert kept.decide(customer).to_bytes() == alone.decide(customer).to_bytes() == run[customer].to_bytes()
    assert [kept.decide(customer) for customer in run] == list(run.values())


def test_a_customer_that_is_not_there_is_not_there_either_way(desks):
    assert [desk.decide("nobody") for desk in desks[:2]] == [None, None]


def test_a_doubt_refers_everybody_and_makes_another_run(desks):
    kept = desks[0]
    customer = kept.overview[0].customer_id
    doubtful, sure = kept.decide(customer, "model_unavailable"), kept.decide(customer)

    assert (doubtful.status, doubtful.chain) == ("referred", None)
    assert doubtful.decision_id != sure.decision_id


def test_an_applicant_is_decided_beside_the_book(desks):
    kept = desks[0]
    application = Application(applicant_id="applicant-1", country="DE", asked=Asked(kept.overview[0].exposure or 1, 30))
    found = kept.decide_applicant(application)

    assert (found.customer_id, found.data_depth, found.asked) == ("applicant-1", "G", application.asked)
    assert found.case.receivables_others == kept.receivables.total


@pytest.mark.parametrize("asked_first", [True, False])
def test_an_applicant_enters_no_run_over_the_book(desks, tmp_path, asked_first):
    kept, _, signed = desks
    run = [each for part in decide_book(kept.book, kept.as_of, signed, told=untold) for each in part.decisions]
    applicant = kept.decide_applicant(Application(applicant_id="applicant-1", country="DE", asked=Asked(Decimal(1_000), 30)))
    engine = open_database(f"sqlite:///{tmp_path}/log.sqlite")
    for decisions in ([applicant], run) if asked_first else (run, [applicant]):
        log.append(engine, decisions, signed.texts)
        if decisions is run:
            log.complete(engine, run[0].provenance, len(run))

    assert [stored.decision for stored in log.of_run(engine, run[0].provenance.run_id)] == run
    assert list(exactly_once(Evidence(engine, Replayer(Workplace(), engine)))) == []
    assert log.find(engine, applicant.decision_id).decision == applicant


def test_the_list_says_of_every_customer_what_its_page_says(desks):
    kept, alone, signed = desks
    grades = {line.customer_id: line.grade for line in kept.overview if line.grade is not None}
    better = {customer: GradeBefore(grade + 1, grade + 1) for customer, grade in grades.items()}
    signed = replace(signed, before=Before("0" * 64, better))
    for desk in (replace(kept, signed=signed), replace(alone, signed=signed)):
        said = [Line.of(desk.decide(line.customer_id)) for line in desk.overview]
        assert list(desk.overview) == said
        assert {line.customer_id: line.grade for line in said if line.grade is not None} != grades  # some grade was kept


def test_the_list_of_a_published_run_is_read_from_the_record_and_is_the_list_that_is_decided(desks, tmp_path, monkeypatch):
    kept, alone, signed = desks
    engine = open_database(f"sqlite:///{tmp_path}/log.sqlite")
    run = [each for part in decide_book(kept.book, kept.as_of, signed, told=untold) for each in part.decisions]
    log.append(engine, run, signed.texts)
    made = list_of(alone, engine)
    log.complete(engine, run[0].provenance, len(run))
    monkeypatch.setattr(desk_room, "LISTED_AT_ONCE", 5)
    for deciding in ("decide_rows", "look_at"):
        monkeypatch.delattr(desk_room, deciding)

    assert made == [Line.of(each) for each in sorted(run, key=lambda each: each.customer_id)]
    assert len(made) == 12
    for desk in (kept, alone):
        assert [piece[0].customer_id for piece in desk.listed(lambda: engine)] == [made[n].customer_id for n in (0, 5, 10)]
        assert list_of(desk, engine) == made


def test_the_list_of_another_run_than_the_published_one_is_decided(desks, tmp_path):
    kept, alone, signed = desks
    engine = open_database(f"sqlite:///{tmp_path}/log.sqlite")
    run = [each for part in decide_book(kept.book, kept.as_of, signed, told=untold) for each in part.decisions]
    log.append(engine, run, signed.texts)
    log.complete(engine, run[0].provenance, len(run))
    doubtful = replace(alone, signed=signed.in_doubt("run_held"))

    assert {line.outcome for line in list_of(doubtful, engine)} == {"refer"}
    assert {line.outcome for line in list_of(alone, engine)} > {"refer"}


def test_a_database_that_does_not_answer_leaves_the_list_to_be_decided(desks):
    def silent() -> Engine:
        raise StorageFailed("it does not answer")

    alone = desks[1]
    assert [line for piece in alone.listed(silent) for line in piece] == [line for piece in alone.listed() for line in piece]


def test_a_customer_whose_data_break_the_computation_is_in_the_list_as_in_the_run(desks, monkeypatch):
    kept, _, signed = desks
    victim = kept.overview[3].customer_id
    honest = desk_room.features.compute

    def breaking(snapshot: Any) -> Any:
        if victim in snapshot.observations["customer_id"].to_pylist():
            raise ZeroDivisionError
        return honest(snapshot)

    monkeypatch.setattr(desk_room.features, "compute", breaking)
    run = {each.customer_id: each for part in decide_book(kept.book, kept.as_of, signed, told=untold) for each in part.decisions}
    for held_at_most in (100, 0):
        desk = open_desk(kept.book, kept.as_of, signed, untold, held_at_most=held_at_most)
        assert list_of(desk, None) == [Line.of(run[customer]) for customer in sorted(run)]
        assert desk.overview[3].status == "not_scored"


def list_of(desk: Desk, engine: Engine | None) -> list[Line]:
    lines = [line for piece in desk.listed(None if engine is None else lambda: engine) for line in piece]
    return sorted(lines, key=lambda line: line.customer_id)


N_CUSTOMERS = 1_200
"""Of which more than a thousand are known at the newest date that a training learns from."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, Gathered, Signed]:
    """A book of more than a thousand customers, what a training gathers of it, and a model that was really trained (on another book)."""
    folder = tmp_path_factory.mktemp("large")
    world = simulate("default", n_customers=N_CUSTOMERS, n_months=16, seed=21)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    book = open_book(folder / "book")
    gathered = gather(BookLedgers(book), small(), until=book.last_known_on)
    signed = in_force(Workplace(models=folder / "models"), None, gathered.cuts[-1], model_name="late_payment")
    return book, gathered, replace(signed, model=trained().model, grades=shipped_grades())


def bits(value: object) -> object:
    """A feature as what it is made of: two floats that are equal and not the same bits differ here."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def test_training_a_run_and_the_api_read_the_same_features_bit_for_bit(large):
    book, gathered, signed = large
    cut, model = gathered.cuts[-1], signed.model
    batch = {
        row["customer_id"]: row for n in book.buckets() for part in look_at(book, cut, n)[0] for row in part.features.to_pylist()
    }
    learned = {
        row["customer_id"]: row
        for rows in (gathered.rows, gathered.newcomers)
        for row in rows.features.to_pylist()
        if row["as_of"] == cut
    }
    of_run = {each.customer_id: each for part in decide_book(book, cut, signed, told=untold) for each in part.decisions}
    names = [name for name in next(iter(batch.values())) if name in CATALOGUE]
    desk = open_desk(book, cut, signed, untold)
    app = create_app(lambda: desk, Address(), Open(), rules=Rules(max_book_age_days=36_500))

    assert len(batch) > 1_000
    assert len(learned) > 800
    assert len(names) == len(CATALOGUE)
    for customer, row in learned.items():
        assert [bits(row[name]) for name in names] == [bits(batch[customer][name]) for name in names], customer
    n_steps = 0
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        for customer, row in batch.items():
            answer = client.get(f"/v1/customers/{customer}/explanation").json()
            chain = of_run[customer].chain
            speaker = model if of_run[customer].case.n_paid_invoices else model.newcomer
            served = {step["feature"]: step["value"] for step in answer["steps"]}
            assert set(served) == (set() if chain is None else set(speaker.feature_names)), customer
            assert {name: bits(value) for name, value in served.items()} == {name: bits(row[name]) for name in served}, customer
            assert chain is None or {name: bits(chain.features[name]) for name in served} == {
                name: bits(row[name]) for name in served
            }
            assert answer["pd"] == of_run[customer].pd
            n_steps += len(served)
    assert n_steps > 20_000


def test_a_last_digit_of_a_feature_is_seen():
    # The planted fault of the test above.
    assert bits(0.1 + 0.2) != bits(0.3)
    assert bits(0.0) != bits(-0.0)
    assert bits(None) == bits(None)
