"""A model in doubt, a book too old, a store that is gone: referred or refused, never approved."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

from applying import CANARY, decide, problem_of
from deciding import ON, LinearModel, policy, shipped
from doors import Open
from riskscore.errors import ModelRefused, StorageFailed
from riskscore.model import Probability
from riskscore_serving import breaker, waiting
from riskscore_serving import office as offices
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address


class Hanging(LinearModel):
    """Answers too late, so many times, and then as it should."""

    left = 1_000

    @property
    def feature_names(self):
        if self.left > 0:
            self.left -= 1
            time.sleep(3 * offices.PATIENCE)
        return tuple(self.weights)

    @feature_names.setter
    def feature_names(self, _): ...


class Raising(LinearModel):
    @property
    def newcomer(self):
        return self

    @newcomer.setter
    def newcomer(self, _): ...

    def explain(self, frame):
        raise ZeroDivisionError(CANARY)


def refusing(doubt: Any) -> None:
    if doubt != "model_unavailable":
        raise ModelRefused("its bytes are not the approved ones")


class Beyond(LinearModel):
    """Says probabilities that are none, of newcomers too."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    @property
    def newcomer(self):
        return self

    @newcomer.setter
    def newcomer(self, _): ...

    def probability(self, log_odds):
        said = super().probability(log_odds)
        return Probability(said.pd + self.shift, said.low + self.shift, said.high + self.shift)


FAULTS: dict[str, dict[str, Any]] = {
    "missing": {"model": None},
    "refused": {"before": refusing},
    "expired": {"doubt": "model_unavailable"},
    "raises": {"model": Raising()},
    "times out": {"model": Hanging()},
    "answers NaN": {"model": LinearModel(base=float("nan"))},
    "answers less than none": {"model": Beyond(-1.0)},
    "answers more than all": {"model": Beyond(1.0)},
}


POLICIES: dict[str, dict[str, Any]] = {
    "shipped": {},
    "generous": {
        "grade_multiple": (Decimal(10),) * 9, "terms_ladder": (90,) * 9, "new_customer_volume_share": Decimal(1),
        "security_required_from_grade": 10, "referral_missing_share": Decimal(1),
        **dict.fromkeys([name for name in vars(shipped()) if name.startswith(("abnormal_", "dimension_"))]),
    },
    "strict": {"grade_multiple": (Decimal(0),) * 9, "terms_ladder": ("prepayment",) * 9},
}  # fmt: skip


@pytest.mark.parametrize("numbers", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_model_in_doubt_never_approves_and_never_scores_whatever_the_policy(client, desk, monkeypatch, fault, numbers):
    desk.params = policy(**numbers)
    if isinstance(fault.get("model"), Hanging):
        monkeypatch.setattr(offices, "PATIENCE", 0.3)
    for name, value in fault.items():
        setattr(desk, name, value)
    decided = [decide(client, {"customer_id": who}, who) for who in ("acme", "slow", "person", "newcomer")]
    scored = client.post("/v1/scores", json={"customer_id": "acme"})

    assert [answer.status_code for answer in decided] == [201] * 4
    assert {answer.json()["outcome"] for answer in decided} == {"refer"}
    assert [answer.json()["pd"] for answer in decided] == [None] * 4
    assert (scored.status_code, problem_of(scored)) == (503, "model-unavailable")
    assert "retry-after" in scored.headers


def test_the_generous_policy_approves_where_the_model_is_sound(client, desk):
    desk.params = policy(**POLICIES["generous"])

    assert "approve" in outcomes(client, "acme", "slow")


def outcomes(client: TestClient, *customers: str) -> list[str]:
    """What becomes of each, decided one after the other under keys of their own."""
    return [decide(client, {"customer_id": who}, uuid.uuid4().hex).json()["outcome"] for who in customers]


def test_one_slow_answer_refers_one_and_silences_nobody(client, desk, monkeypatch):
    monkeypatch.setattr(offices, "PATIENCE", 0.3)
    desk.model = Hanging()
    desk.model.left = 1
    first = outcomes(client, "acme")
    monkeypatch.setattr(offices, "PATIENCE", 30.0)  # the machine may be busy; the model is not slow any more

    assert first + outcomes(client, "acme", "slow") == ["refer", "approve", "decline"]
    assert client.get("/readyz").json()["doubts"] == []


def test_a_model_that_stays_silent_is_asked_by_one_now_and_then_until_it_answers(client, desk, monkeypatch):
    monkeypatch.setattr(offices, "PATIENCE", 0.3)
    desk.model = Hanging()
    silent = outcomes(client, *["acme"] * breaker.IN_A_ROW)
    desk.model = LinearModel()
    unasked, doubts = outcomes(client, "slow"), client.get("/readyz").json()["doubts"]
    monkeypatch.setattr(breaker, "TRIED_EVERY", 0.0)
    monkeypatch.setattr(offices, "PATIENCE", 30.0)

    assert set(silent + unasked) == {"refer"}
    assert doubts == ["model_unavailable"]
    assert outcomes(client, "acme", "slow") == ["approve", "decline"]
    assert client.get("/readyz").json()["doubts"] == []


def test_with_every_place_taken_by_a_model_that_hangs_everybody_is_referred_at_once(client, desk, monkeypatch):
    monkeypatch.setattr(offices, "PATIENCE", 0.5)
    monkeypatch.setattr(breaker, "IN_A_ROW", 1_000)  # the breaker is not the question
    may_end = Event()
    desk.before = lambda doubt: doubt == "model_unavailable" or may_end.wait(60)
    with ThreadPoolExecutor(3 * offices.WORKERS) as pool:
        told = list(pool.map(lambda n: decide(client, {"customer_id": "acme"}, f"k{n}"), range(3 * offices.WORKERS)))
    later = decide(client, {"customer_id": "slow"}, "later")
    may_end.set()

    assert {answer.json()["outcome"] for answer in [*told, later] if answer.status_code == 201} == {"refer"}
    assert {problem_of(answer) for answer in told if answer.status_code != 201} <= {"overloaded"}
    assert later.status_code == 201


@pytest.mark.parametrize(("age", "outcome"), [(44, "approve"), (45, "approve"), (46, "refer")])
def test_customers_are_decided_from_a_fresh_enough_book_only(desk, engine, age, outcome):
    app = create_app(lambda: desk, Address(), Open(), store=lambda: engine, today=lambda: ON + timedelta(days=age))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        body = decide(client, {"customer_id": "acme"}).json()
        scored = client.post("/v1/scores", json={"customer_id": "acme"}).status_code

    assert (body["outcome"], scored) == (outcome, 503 if outcome == "refer" else 200)


@pytest.mark.parametrize("broken", ["desk", "store"])
def test_without_a_store_nothing_is_answered_as_decided(desk, broken):
    def fail() -> Any:
        raise StorageFailed("/var/lib/goldammer is full")

    app = create_app(fail if broken == "desk" else lambda: desk, Address(), Open(), store=fail, today=lambda: ON)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = [decide(client, {"customer_id": "acme"}), client.get("/readyz"), client.get("/v1/decisions/" + "0" * 32)]
        alive = client.get("/livez").status_code

    assert {(answer.status_code, problem_of(answer)) for answer in answers} == {(503, "storage-unavailable")}
    assert all("retry-after" in answer.headers and "goldammer" not in answer.text for answer in answers)
    assert alive == 200


def test_a_store_that_hangs_is_given_up_within_two_seconds(desk, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.3)

    def hang() -> Any:
        time.sleep(1.0)
        raise StorageFailed("late")

    app = create_app(lambda: desk, Address(), Open(), store=hang, today=lambda: ON)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert problem_of(decide(client, {"customer_id": "acme"})) == "storage-unavailable"
