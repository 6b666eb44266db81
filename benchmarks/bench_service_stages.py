"""CPU of each stage from a question to a durable answer: an applicant through every stage, and a customer that a desk keeps.

    python benchmarks/bench_service_stages.py

No figure here is asserted: CPU milliseconds of one process, median of the rounds, beside json.loads of the answer.
"""

import json
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from deciding import GRADES, PROVENANCE, RECEIVABLES, LinearModel, shipped
from desks import BookDesk
from riskscore.decisions import Asked
from riskscore.scoring import Application, decide_applicant
from riskscore.stores import answers
from riskscore.stores.database import open_database
from riskscore.stores.engines import ledger_in_memory
from riskscore_serving.answering import DecisionOut

ROUNDS = 15
taken: dict[str, list[float]] = {}


@contextmanager
def stage(name: str, _n: int = 1):
    since = time.process_time()
    yield
    taken.setdefault(name, []).append((time.process_time() - since) * 1000)


def main() -> None:
    application = Application(
        applicant_id="applicant-1", country="DE", asked=Asked(Decimal(25_000), 30), legal_form="GmbH", is_natural_person=False,
        monthly_purchases=Decimal(40_000),
    )  # fmt: skip
    desk = BookDesk()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/riskscore.db")
        for number in range(ROUNDS):
            with stage("applicant: all"):
                decision = decide_applicant(
                    application, lambda tables: ledger_in_memory(tables, "EUR"), LinearModel(), GRADES, shipped(),
                    receivables=RECEIVABLES, provenance=PROVENANCE, watch=lambda name, n: stage(f"applicant: {name}", n),
                )  # fmt: skip
            with stage("customer: features and positions of a test, model, policy"):
                kept = desk.decide("acme")
            with stage("answer as JSON, both languages"):
                body = DecisionOut.answering(kept).model_dump_json()
            with stage("record: one answer a transaction"):
                answers.record(engine, [answers.Answer(answers.Key("bench", str(number)), "{}", kept, "approve", body)])
            with stage("json.loads of the answer, for comparison"):
                json.loads(body)
        engine.dispose()
    assert decision.recommendation is not None
    for name, figures in taken.items():
        print(f"{name:65} {statistics.median(figures):8.2f} ms CPU")


if __name__ == "__main__":
    main()
