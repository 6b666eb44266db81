"""One answer whoever asks: what a desk keeps of a book decides as a single customer's own ledger does, to the last byte."""

from dataclasses import replace

import pytest

from deciding import LinearModel
from riskscore.decisions import Asked
from riskscore.scoring import Application
from riskscore.simulation import simulate
from riskscore.stores.desk import Desk, Signed, in_force, open_desk
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.runs import decide_book
from riskscore.stores.workplace import Workplace

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

    for customer in sorted(run)[:5]:
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
