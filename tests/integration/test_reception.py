"""What is in force counts without a restart: a changed policy, a model that cannot be loaded; the desk that is open answers meanwhile."""

import shutil
import time
from pathlib import Path
from threading import Event

import pytest

from riskscore.simulation import simulate
from riskscore.stores.approvals import approve_first
from riskscore.stores.database import open_database
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.signed_texts import shipped_models
from riskscore.stores.workplace import Workplace
from riskscore_serving.reception import Reception

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    world = simulate("default", n_customers=6, n_months=12, seed=5)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    return folder


def place(company: Path, tmp_path: Path) -> Workplace:
    shutil.copytree(shipped_models() / "late_payment", tmp_path / "models" / "late_payment")
    return Workplace(models=tmp_path / "models", database=f"sqlite:///{tmp_path / 'riskscore.db'}")


def sign(workplace: Workplace, old: str, new: str) -> None:
    text = workplace.models / "late_payment" / "policy.toml"
    assert old in text.read_text(encoding="utf-8")
    text.write_text(text.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_without_an_approved_model_the_server_opens_and_refers_everybody(company, tmp_path):
    desk = Reception(place(company, tmp_path), company / "book").desk()

    assert (desk.model, desk.doubt) == (None, "model_unavailable")
    assert {line.outcome for line in desk.overview} == {"refer"}


def test_an_approved_model_that_is_nowhere_to_be_found_refers_everybody(company, tmp_path):
    workplace = place(company, tmp_path).model_copy(
        update={"approved": tmp_path / "approved", "mlflow": f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"}
    )
    engine = open_database(workplace.database)
    approve_first(engine, "late_payment", "1", "a" * 64, by="Ann")
    engine.dispose()
    desk = Reception(workplace, company / "book").desk()

    assert (desk.model, desk.doubt) == (None, "model_unavailable")
    assert {line.outcome for line in desk.overview} == {"refer"}


def test_a_signed_policy_counts_from_the_next_request_and_a_broken_one_never(company, tmp_path):
    workplace = place(company, tmp_path)
    reception = Reception(workplace, company / "book", model=None)
    before = reception.desk()
    sign(workplace, "value = 0.15", "value = 0.10")
    after = reception.desk()
    sign(workplace, "value = 0.10", "value = [")

    assert after.params.digest != before.params.digest
    assert reception.desk() is after


def test_the_desk_that_is_open_answers_while_the_next_one_is_opened(company, tmp_path, monkeypatch):
    workplace = place(company, tmp_path)
    reception = Reception(workplace, company / "book", model=None, in_background=True)
    before, may_open = reception.desk(), Event()
    honest = Reception._open
    monkeypatch.setattr(Reception, "_open", lambda self: may_open.wait(60) and honest(self))
    sign(workplace, "value = 0.15", "value = 0.10")

    assert reception.desk() is before
    may_open.set()
    for _ in range(600):
        if reception.desk() is not before:
            break
        time.sleep(0.1)
    assert reception.desk().params.digest != before.params.digest
