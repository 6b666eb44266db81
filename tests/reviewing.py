"""What tests of reviews share: a recorded decision, what is wanted instead, who proposes and who decides, at one hour."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.review import Person, Wanted
from riskscore.scoring import decide_rows
from riskscore.stores import decisions as log
from riskscore.stores import reviews
from riskscore_serving.app import shipped_delegation

NOW = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp())
DAY = 86_400
TODAY = date(2026, 7, 1)
DELEGATION = shipped_delegation(TODAY)
WANTED = Wanted(Decimal("45000.00"), None, None, "the parent guarantees it", TODAY + timedelta(days=60))
ANN, BO, CHEF = Person("ann", "analyst"), Person("bo", "analyst"), Person("chef", "approver")


def decided(*customers: str, **facts):
    small = {"monthly_purchases": Decimal("20000.00"), "peak_monthly_purchases": Decimal("20000.00"), **facts}
    return decide_rows(
        features_of(*customers, **GOOD), positions_of(*customers, **small), LinearModel(base=-5.5), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip


def recorded(engine: sa.Engine, customer: str = "acme", **facts):
    decision = decided(customer, **facts)[0]
    log.append(engine, [decision])
    return decision


def close(engine, review, act, person, now=NOW, note=""):
    return reviews.close(engine, review.review_id, review.decision_id, act, person, DELEGATION, note=note, now=now)
