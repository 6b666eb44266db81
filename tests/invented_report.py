"""A report of invented facts: every section filled, names in two scripts and one hostile, for the tests of the page."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from riskscore_pipelines.reporting.facts import (
    Ageing,
    Calibration,
    Concentration,
    Delivery,
    Dso,
    Family,
    Figure,
    Quality,
    Report,
    Scored,
)

AS_OF = date(2026, 6, 30)
HOSTILE = "<script>alert(1)</script> & Sons"
NAMES = ("Krause Machinery GmbH", "苏州瑞丰电子元件有限公司", "Harbor Steel Ltd", "Castell Plastics B.V.", HOSTILE)
CAPS = ("Need", "Loss budget", "Tangible net worth", "Concentration by family", "New customer")


def month_ends(n: int) -> list[date]:
    days = []
    first = AS_OF.replace(day=1)
    for _ in range(n):
        days.append((first + timedelta(days=32)).replace(day=1) - timedelta(days=1))
        first = (first - timedelta(days=1)).replace(day=1)
    return days[::-1]


def invented_customers(n: int = 400) -> list[Scored]:
    dice = random.Random(3)
    lines = []
    for index in range(n):
        exposure = Decimal(round(dice.lognormvariate(10, 1.4), 2)).quantize(Decimal("0.01"))
        pd = min(0.9, dice.lognormvariate(-3.6, 1.2))
        grade = next((g for g, top in enumerate((0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32), 1) if pd < top), 9)
        late = dice.choice((0, 0, 0, 0, 12, 25, 45, 80, 130)) if grade > 4 else dice.choice((0, 0, 0, 0, 0, 0, 5, 20))
        referred = index % 23 == 7
        limit = Decimal(dice.randint(1, 60) * 5000)
        limit_now = None if index % 9 == 0 else Decimal(dice.randint(1, 60) * 5000)
        lines.append(
            Scored(
                customer_id=f"C{index:05}",
                name=f"{NAMES[index % len(NAMES)]} {index}",
                country=dice.choice(("DE", "CN", "NL", "GB")),
                status="referred" if referred else "scored",
                grade=None if referred else 10 if late > 90 else grade,
                pd=None if referred else pd,
                pd_low=None if referred else pd * 0.7,
                pd_high=None if referred else min(1.0, pd * 1.5),
                score=None if referred else 560,
                data_depth=dice.choice("ABCDEFG"),
                exposure=exposure,
                overdue=(exposure * Decimal("0.4")).quantize(Decimal("0.01")) if late else Decimal(0),
                oldest=next(
                    (
                        name
                        for top, name in ((0, "not_due"), (30, "due_1_30"), (60, "due_31_60"), (90, "due_61_90"))
                        if late <= top
                    ),
                    "due_over_90",
                ),
                limit_now=limit_now,
                limit=None if referred else limit,
                terms_now="30 days",
                terms="Prepayment" if grade > 7 else "30 days",
                terms_next="Next best: net 15 days, €1,200 less",
                binding_cap="" if referred else dice.choice(CAPS),
                reasons=("Pays 23 days late on average; typical customer: 7", "Uses 109% of the credit limit; typical: 58%"),
            )
        )
    return lines


def invented_concentration(customers: Sequence[Scored]) -> Concentration:
    held = sorted((line.exposure for line in customers), reverse=True)
    whole = sum(held)
    families = tuple(
        Family(f"{NAMES[i % len(NAMES)]} group", 1 + i % 3, amount, float(amount / whole)) for i, amount in enumerate(held)
    )
    rising = held[::-1]
    lorenz = [(0.0, 0.0)]
    for index, amount in enumerate(rising, 1):
        lorenz.append((index / len(rising), lorenz[-1][1] + float(amount / whole)))
    return Concentration(
        families=families,
        n_families=len(families),
        top_10_share=sum(family.share for family in families[:10]),
        herfindahl=sum(family.share**2 for family in families),
        single_buyer_cap=0.20,
        lorenz=tuple(lorenz),
    )


def invented_quality() -> Quality:
    roc = tuple((x / 50, (x / 50) ** 0.25) for x in range(51))
    baseline = tuple((x / 50, (x / 50) ** 0.5) for x in range(51))
    rates = (0.002, 0.004, 0.008, 0.015, 0.03, 0.055, 0.11, 0.22, 0.45)
    return Quality(
        n=9_240,
        n_customers=1_540,
        event_share=0.0554,
        first_on=date(2025, 7, 31),
        last_on=date(2025, 12, 31),
        figures=(
            Figure("auc", 0.842, 0.821, 0.861, 0.771, 0.744, 0.797, 0.838, 0.816, 0.858),
            Figure("brier", 0.041, 0.037, 0.045, 0.047, 0.043, 0.052, 0.042, 0.038, 0.046),
            Figure("ece", 0.008, 0.005, 0.014, 0.019, 0.012, 0.026),
        ),
        calibration=tuple(
            Calibration(grade, 1000 - 90 * grade, rate, rate * 1.6, rate * 1.3, rate * 1.9, holds=False)
            if grade == 4
            else Calibration(grade, 1000 - 90 * grade, rate, rate * 0.95, rate * 0.6, rate * 1.9, holds=True)
            for grade, rate in enumerate(rates, 1)
        ),
        roc=roc,
        baseline_roc=baseline,
    )


def invented_report(*, with_quality: bool = True) -> Report:
    dice = random.Random(5)
    customers = invented_customers()
    ageing = [
        Ageing(
            day,
            tuple(Decimal(round(base * dice.uniform(0.8, 1.2))) for base in (21_000_000, 2_400_000, 900_000, 400_000, 300_000)),
        )
        for day in month_ends(12)
    ]
    quarters = month_ends(24)[2::3]
    dso = [
        Dso(day, 44 + index * 1.7 + dice.uniform(-2, 2), 36 + dice.uniform(-1, 1), alert=index == len(quarters) - 1)
        for index, day in enumerate(quarters)
    ]
    return Report(
        as_of=AS_OF,
        currency="EUR",
        horizon_days=180,
        customers=customers,
        ageing=ageing,
        dso=dso,
        concentration=invented_concentration(customers),
        quality=invented_quality() if with_quality else None,
        deliveries=(
            Delivery("customers", 400, 398, 2, {}, {}),
            Delivery("invoices", 20_112, 20_050, 12, {"bad_date": 30, "bad_number": 20}, {"EUR": Decimal("48211.50")}),
        ),
        provenance={
            "book": "3f1c" * 16,
            "model": "late_payment 1, " + "9a0b" * 16,
            "policy": "77de" * 16,
            "run": "12ab" * 16,
            "code": "0.1.0",
        },
    )
