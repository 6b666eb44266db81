"""A company whose server is put under faults, and what has to hold of its database whatever failed: see `test_service_under_faults`."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv
import sqlalchemy as sa

from clients import Clients, Service
from histories import faults, order_faults, stored, stored_orders
from leaks import named
from modelling import WORLD, trained
from riskscore.model import to_files
from riskscore.stores.approvals import approve_first
from riskscore.stores.database import open_database
from riskscore.stores.invariants import Evidence, check
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.models.approved import keep_copy
from riskscore.stores.replaying import Replayer
from riskscore.stores.signed_texts import shipped_models
from riskscore.stores.workplace import Workplace
from simulated import world_of

NAME = "late_payment"
APPLICANT = {
    "applicant": {"name": "Kanarienvogel & Söhne", "country": "DE", "legal_form": "GmbH", "is_natural_person": False},
    "requested": {"limit": "25000", "terms": 30, "expected_monthly_purchases": 40000},
}


@dataclass(frozen=True)
class Company:
    """A working folder with a book and the local copy of a model, and what may be asked about it."""

    folder: Path
    bodies: tuple[dict[str, Any], ...]

    def workplace(self, address: str) -> Workplace:
        return Workplace(
            database=address, mlflow=f"sqlite:///{self.folder / 'nowhere.db'}", approved=self.folder / "approved_models",
            models=self.folder / "models",
        )  # fmt: skip

    def service(self, address: str, **settings: str) -> Service:
        """The server over a new database in which the model is approved."""
        engine = open_database(address)
        approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
        engine.dispose()
        fixed = {"RISKSCORE_DATABASE": address, "RISKSCORE_MAX_BOOK_AGE_DAYS": "36500"}
        return Service(self.folder, {**fixed, **settings})


def company_in(folder: Path) -> Company:
    """A company with a book and an approved model in that folder."""
    world = world_of(**WORLD)
    _with_limits_that_hold(folder / "models")
    (folder / "exports").mkdir()
    for name, rows in named(dict(world.tables)).items():
        pyarrow.csv.write_csv(rows, folder / "exports" / f"{name}.csv")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    made = Company(folder, ())
    keep_copy(made.workplace("sqlite://"), NAME, to_files(trained().model))
    customers = open_book(folder / "book").customer_ids()[:20]
    return Company(folder, (*({"customer_id": customer} for customer in customers), APPLICANT))


def _with_limits_that_hold(models: Path) -> None:
    """The shipped texts, but limits are good for orders years after their review: the invented book ends in the past."""
    shutil.copytree(shipped_models() / NAME, models / NAME)
    policy = models / NAME / "policy.toml"
    text, until_then = policy.read_text(encoding="utf-8"), "[[order.review_overdue]]\nfrom = 2000-01-01\nvalue = "
    assert f"{until_then}30" in text
    policy.write_text(text.replace(f"{until_then}30", f"{until_then}3650"), encoding="utf-8")


def running(service: Service) -> Iterator[Service]:
    """The server, started; told to stop at the end, it says that all is well."""
    service.start()
    yield service
    assert service.stop() == 0


@contextmanager
def opened(service: Service) -> Iterator[sa.Engine]:
    """The database of the server, beside it."""
    engine = open_database(service.settings["RISKSCORE_DATABASE"])
    try:
        yield engine
    finally:
        engine.dispose()


def nothing_is_lost(company: Company, clients: Clients) -> None:
    """The database agrees with what every client of this server saw, and every invariant holds."""
    history = [event for each in clients.service.clients for event in each.history]
    acknowledged = {json.loads(event.body)["provenance"]["decision_id"] for event in history if event.kind == "ok"}
    ordered = [event for each in clients.service.orderers for event in each.history]
    with opened(clients.service) as engine:
        lost = [*faults(history, stored(engine)), *order_faults(ordered, stored_orders(engine))]
        replayer = Replayer(company.workplace(clients.service.settings["RISKSCORE_DATABASE"]), engine)
        found = check(Evidence(engine, replayer, acknowledged=sorted(acknowledged), replays=10))
    broken = {finding.name: finding.faults for finding in found if finding.faults}
    assert (lost, broken) == ([], {}), f"lost, doubled or changed: {lost}; broken invariants: {broken}"


def killed_under_load(clients: Clients) -> int:
    """Kill the server while all of them ask, start it again, and let everybody ask until they have an answer.

    How many requests had none when the server was killed.
    """
    with clients.asking():
        clients.wait_for(40, "ok")
        clients.service.kill()
        clients.service.start()
        clients.wait_for(20, "ok")
    left_open = clients.n_of("unknown")
    clients.settle()
    return left_open


def unavailable(clients: Clients) -> set[tuple[int, str]]:
    """Statuses and kinds of every answer that was no decision; each says when to ask again and repeats nothing."""
    for _, headers, problem in clients.problems:
        assert headers["content-type"] == "application/problem+json"
        assert int(headers["retry-after"]) >= 1
        assert "Kanarienvogel" not in json.dumps(problem)
    return {(status, problem["type"].rpartition(":")[2]) for status, _, problem in clients.problems}
