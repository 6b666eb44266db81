"""From debtors, their history and a signed text to a provision: the golden values, pooling, overlays, and a bridge that closes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from riskscore.errors import UsageRefused
from riskscore.provision import BUCKETS, Debtor, Roll, make, parse
from riskscore.stores.signed_texts import shipped_models

ON = date(2026, 6, 30)
SHIPPED = (shipped_models() / "late_payment" / "provision.toml").read_text(encoding="utf-8")
HALF = Decimal("0.5")
OVERLAY = """
[[overlay]]
bucket = "not_due"
factor = "1.5"
owner = "finance director"
reason = "a strike at the largest customers"
from = 2026-01-01
until = 2026-06-30
"""


def signed(more: str = "", *, by: str = "none", least: int = 1, counted: str = "true"):
    text = SHIPPED.replace('by = "industry"', f'by = "{by}"').replace("least_customers = 30", f"least_customers = {least}")
    return parse(text.replace("counted = true", f"counted = {counted}") + more)


def given(*rates: str) -> str:
    return "".join(
        f'[[rate]]\nbucket = "{bucket}"\nrate = "{rate}"\nfrom = 2026-01-01\nsource = "auditor"\nreason = "agreed"\n'
        for bucket, rate in zip(BUCKETS, rates, strict=True)
    )


def debtor(customer: str = "acme", segment: str = "", *amounts: int, pd: float | None = 0.02, lgd: str = "0.4") -> Debtor:
    opened = dict(zip(BUCKETS, map(Decimal, [*amounts, 0, 0, 0, 0, 0][:5]), strict=True))
    return Debtor(customer, segment, opened, pd, Decimal(lgd))


def halving(customer: str = "acme"):
    """Half of every bucket rolls on."""
    return [(customer, Roll(bucket, Decimal(200), Decimal(100))) for bucket in BUCKETS]


def made(debtors, rolls=(), text=None, *, on=ON, lgd="0.4", horizon=180):
    return make(debtors, rolls, text or signed(), on=on, lgd=Decimal(lgd), pd_horizon_days=horizon)


@pytest.mark.parametrize(
    ("millions", "rates", "total"),
    [
        pytest.param(
            ("15", "7.5", "4", "2.5", "1"), ("0.003", "0.016", "0.036", "0.066", "0.106"), 580_000, id="ifrs-9-example-12"
        ),
        pytest.param(
            ("0", "7", "4", "2.5", "1"), ("0.003", "0.015", "0.034", "0.071", "0.108"), 526_500, id="second-golden-value"
        ),
    ],
)
def test_golden_given_rates(millions, rates, total):
    owed = [int(Decimal(amount) * 1_000_000) for amount in millions]
    found = made([debtor("acme", "", *owed)], text=signed(given(*rates)))

    assert found.provision.total == total
    assert found.bridge.reconciles
    assert found.bridge.total("booked") == total


def test_rates_come_from_the_rolls():
    found = made([debtor("acme", "", 1000, 1000, 1000, 1000, 1000)], halving())
    rates = {row.bucket: row.rate.default_rate for row in found.provision.rows}

    assert rates == {bucket: HALF ** (5 - place) for place, bucket in enumerate(BUCKETS)}
    assert found.provision.total == Decimal(1000) * Decimal("0.4") * sum(rates.values())


def test_what_is_written_off_on_the_way_counts_as_lost():
    rolls = [*halving()[1:], ("acme", Roll("not_due", Decimal(300), Decimal(50), Decimal(30), Decimal(100)))]
    found = made([debtor("acme", "", 1000)], rolls)

    # Of 200 whose month has come 50 rolled on, of which a sixteenth is lost in the end, and 30 are lost already.
    assert found.provision.rows[0].rate.default_rate == (Decimal(30) + Decimal(50) / 16) / 200


def test_a_segment_has_its_own_rates_and_a_small_one_those_of_the_book():
    many = [debtor(f"b{number}", "building", 100) for number in range(3)] + [debtor("r", "retail", 100)]
    rolls = [roll for number in range(3) for roll in halving(f"b{number}")]
    rolls += [("r", Roll(bucket, Decimal(200), Decimal(0))) for bucket in BUCKETS]
    together = made(many, rolls, signed(by="industry", least=3))
    apart = made(many, rolls, signed(by="industry", least=1))

    def rate(found, segment):
        return next(row.rate.default_rate for row in found.provision.rows if row.segment == segment)

    assert (together.pooled, apart.pooled) == (("retail",), ())
    assert (rate(apart, "retail"), rate(apart, "building")) == (0, HALF**5)
    assert rate(together, "retail") == (Decimal(300) / 800) ** 5


def test_a_bucket_nobody_ever_was_in_rolls_on_whole_and_is_named():
    found = made([debtor("acme", "", 1000, 0, 0, 0, 500)], halving()[:4])

    assert found.unseen == (("", "due_over_90"),)
    assert found.provision.rows[-1].amount == Decimal(500) * Decimal("0.4")


def test_a_credit_of_one_customer_pays_no_debt_of_another():
    found = made([debtor("acme", "", 1000), debtor("zeta", "", -400)], halving())

    assert (found.provision.rows[0].gross, found.credits) == (1000, -400)


def test_cover_lowers_the_provision_where_it_is_counted():
    covered = [debtor("acme", "", 32_000, lgd="0.1")]

    assert made(covered, halving()).provision.total * 4 == made(covered, halving(), signed(counted="false")).provision.total


@pytest.mark.parametrize(
    ("on", "in_force"),
    [
        pytest.param(date(2025, 12, 31), False, id="the-day-before"),
        pytest.param(date(2026, 1, 1), True, id="first-day"),
        pytest.param(date(2026, 6, 30), True, id="last-day"),
        pytest.param(date(2026, 7, 1), False, id="the-day-after"),
    ],
)
def test_an_overlay_changes_the_provision_on_its_days_only(on, in_force):
    found = made([debtor("acme", "", 100_000)], halving(), signed(OVERLAY), on=on)

    assert (found.provision.total == found.by_history.total * Decimal("1.5")) == in_force
    assert (found.provision.total == found.by_history.total) != in_force
    assert len(found.provision.ignored) == (0 if in_force else 1)


def test_scenarios_scale_history_and_leave_it_visible():
    text = signed(
        '[[scenario]]\nname = "recession"\nweight = "0.2"\nscalar = "2"\nfrom = 2026-01-01\nsource = "s"\nreason = "r"\n'
        '[[scenario]]\nname = "base"\nweight = "0.8"\nscalar = "1"\nfrom = 2026-01-01\nsource = "s"\nreason = "r"\n'
    )
    until = SHIPPED.replace("from = 2000-01-01\n", "from = 2000-01-01\nuntil = 2025-12-31\n")
    sound = parse(until.replace('by = "industry"', 'by = "none"') + "".join(
        f'[[scenario]]\nname = "{name}"\nweight = "{weight}"\nscalar = "{scalar}"\nfrom = 2026-01-01\nsource = "s"\nreason = "r"\n'
        for name, weight, scalar in (("recession", "0.2", "2"), ("base", "0.8", "1"))
    ))  # fmt: skip
    found = made([debtor("acme", "", 100_000)], halving(), sound)

    assert found.provision.total == found.by_history.total * Decimal("1.2")
    with pytest.raises(UsageRefused, match="weights must be shares that sum to 1"):
        made([debtor("acme", "", 100_000)], halving(), text)  # the shipped scenario still holds beside them


def test_the_bridge_closes_on_any_mixture_and_names_whom_the_model_does_not_know():
    debtors = [
        debtor("a", "", 900, 80, 0, 0, 7, pd=0.01, lgd="0.4"),
        debtor("b", "", 10, 0, 300, 20, 1, pd=1.0, lgd="0.05"),
        debtor("c", "", 55, -20, 0, 0, 0, pd=None, lgd="0.2"),
    ]
    found = made(debtors, halving("a"))

    assert found.bridge.reconciles
    assert found.silent == 55
    assert sum(found.losses.values()) == found.bridge.total("model")
    assert found.losses["b"] == Decimal("0.05") * (10 + 300 + 20 + 1)
    assert found.bridge.total("booked") == found.provision.total


@pytest.mark.parametrize("counted", ["true", "false"], ids=["after cover", "whatever covers it"])
def test_the_model_speaks_of_paying_late_and_the_matrix_of_never_paying(counted):
    half = "0.2" if counted == "true" else "0.4"
    late = Decimal("0.08") if counted == "true" else Decimal("0.16")
    debtors = [replace(debtor(name, "", 1000, pd=0.5, lgd=half), lgd_late=late) for name in ("late", "silent", "defaulted")]
    debtors[1], debtors[2] = replace(debtors[1], pd=None), replace(debtors[2], pd=1.0, in_default=True)
    found = make(
        debtors,
        halving("late"),
        signed(counted=counted),
        on=ON,
        lgd=Decimal("0.4"),
        lgd_late=Decimal("0.16"),
        pd_horizon_days=365,
    )
    before = made([replace(each, lgd_late=None) for each in debtors], halving("late"), signed(counted=counted), horizon=365)

    assert found.losses["late"] == late * 500
    assert found.losses["defaulted"] == Decimal(half) * 1000
    assert found.losses["silent"] == before.losses["silent"] > 0
    assert found.provision == before.provision
    assert found.bridge.reconciles
    assert found.bridge.total("model") < before.bridge.total("model")


def test_nobody_owes_anything():
    found = made([], halving())

    assert (found.provision.total, found.provision.rows, found.bridge.reconciles) == (0, (), True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param("colour = 1\n" + SHIPPED, "colour: unknown key", id="unknown-key"),
        pytest.param(SHIPPED + OVERLAY.replace('owner = "finance director"\n', ""), "overlay.0.owner: field required", id="nobody-owns-it"),
        pytest.param(SHIPPED + OVERLAY.replace('"finance director"', '" "'), "overlay.0.owner", id="a-blank-owner"),
        pytest.param(SHIPPED + OVERLAY.replace("until = 2026-06-30\n", ""), "overlay.0.until: field required", id="no-last-day"),
        pytest.param(SHIPPED + OVERLAY.replace("2026-06-30", "2025-06-30"), "is before from", id="ends-before-it-starts"),
        pytest.param(SHIPPED + OVERLAY.replace("not_due", "ancient"), "overlay.0.bucket", id="a-bucket-that-is-none"),
        pytest.param(SHIPPED.replace('weight = "1"', 'weight = "1.5"'), "scenario.0.weight", id="a-weight-above-one"),
        pytest.param(SHIPPED + given(*["0.1"] * 5) + given(*["0.2"] * 5), "two rates of not_due hold on 2026-01-01", id="two-rates"),
        pytest.param(SHIPPED.replace("least_customers = 30", "least_customers = 0"), "segments.least_customers", id="out-of-range"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_sound_is_refused_by_key(wrong, words):
    assert wrong != SHIPPED
    with pytest.raises(UsageRefused, match="provision: ") as refused:
        parse(wrong)
    assert words in str(refused.value)
