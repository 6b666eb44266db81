"""What tests of decisions over the API share: an application, how to send one, what was answered and how often."""

from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from riskscore.stores.database import ANSWERS, reading

CANARY = "Kanarienvogel-4711"
APPLICATION: dict[str, Any] = {
    "applicant": {"name": CANARY, "country": "DE", "legal_form": "GmbH", "is_natural_person": False, "industry": "C10"},
    "requested": {"limit": "25000", "terms": 30, "expected_monthly_purchases": 40000},
}


def decide(client: TestClient, body: Any, key: str = "k1") -> Any:
    return client.post("/v1/decisions", json=body, headers={"Idempotency-Key": key})


def problem_of(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix("urn:riskscore:problem:")


def answered(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(ANSWERS)).scalar_one()
