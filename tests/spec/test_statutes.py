"""Statutory terms as a decision table: who buys, from whom, where, on which day; and what lateness costs, to the cent."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from riskscore import statutes
from riskscore.errors import UsageRefused
from riskscore.statutes import Contract, DatedRate, Debt, Statutes


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "models" / "statutes.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def law(text: str) -> Statutes:
    return statutes.parse(text)


def cap(law: Statutes, case: str, *, agreed: bool = False) -> statutes.StatutoryCap | None:
    buyer, supplier, country, day = case.split()
    return statutes.statutory_cap(
        law, buyer_type=buyer, supplier_size=supplier, country=country, on=date.fromisoformat(day), agreed=agreed
    )


# buyer, supplier, buyer's country, day -> days without more, days if expressly agreed ("-": no number), article
TABLE = [
    ("enterprise small DE 2025-06-01", 60, None, "3(5)"),
    ("large_enterprise large FR 2025-06-01", 60, None, "3(5)"),
    ("public_authority medium IT 2025-06-01", 30, 60, "4(3), 4(6)"),
    ("public_authority large IT 2025-06-01", 30, 60, "4(3), 4(6)"),
    ("enterprise small DE 2013-03-16", 60, None, "3(5)"),
    ("enterprise small HR 2013-07-01", 60, None, "3(5)"),
    ("public_authority small CN 2025-05-31", 30, 60, "8"),
    ("public_authority small CN 2025-06-01", 30, 60, "9, 15"),
    ("public_authority micro CN 2020-09-01", 30, 60, "8"),
    ("large_enterprise medium CN 2025-06-01", 60, None, "9, 15"),
    ("large_enterprise micro CN 2030-01-01", 60, None, "9, 15"),
]
NOT_COVERED = [
    pytest.param("enterprise small DE 2013-03-15", id="the-day-before-the-directive"),
    pytest.param("enterprise small HR 2013-06-30", id="the-day-before-accession"),
    pytest.param("public_authority small CN 2020-08-31", id="the-day-before-decree-728"),
    pytest.param("large_enterprise small CN 2025-05-31", id="728-has-no-number-for-large-buyers"),
    pytest.param("large_enterprise large CN 2025-06-01", id="a-large-supplier-is-not-protected"),
    pytest.param("public_authority large CN 2025-06-01", id="nor-against-a-public-buyer"),
    pytest.param("enterprise small CN 2025-06-01", id="a-small-buyer-is-not-bound"),
    pytest.param("enterprise small US 2025-06-01", id="no-line-for-the-country"),
    pytest.param("enterprise small GB 2025-06-01", id="left-the-union"),
]


class TestTheDecisionTable:
    @pytest.mark.parametrize(("case", "days", "agreed_days", "article"), TABLE, ids=[row[0] for row in TABLE])
    def test_the_longest_lawful_term(self, law: Statutes, case: str, days: int, agreed_days: int | None, article: str) -> None:
        without, agreed = cap(law, case), cap(law, case, agreed=True)

        assert without is not None
        assert agreed is not None
        assert (without.days, agreed.days, without.article) == (days, agreed_days, article)

    @pytest.mark.parametrize("case", NOT_COVERED)
    def test_what_no_line_covers_is_none_not_a_number(self, law: Statutes, case: str) -> None:
        assert cap(law, case) is None

    def test_every_rule_cites_article_source_and_effective_day_and_carries_the_disclaimer(self, law: Statutes) -> None:
        found = cap(law, "large_enterprise small CN 2026-01-01")

        assert found is not None
        assert (found.article, found.effective_on, found.counted_from) == ("9, 15", date(2025, 6, 1), "delivery")
        assert "第802号" in found.source
        assert "not legal advice" in found.disclaimer
        assert found.agreed_if

    def test_all_27_member_states_are_in(self, law: Statutes) -> None:
        assert len({country for area in law.areas if "eu-2011-7" in area.acts for country in area.countries}) == 27


def contract(case: str, days: int, **clauses: bool) -> Contract:
    buyer, supplier, country, day = case.split()
    return Contract(buyer, supplier, country, date.fromisoformat(day), days, **clauses)


GERMAN, ITALIAN, CHINESE = (
    "enterprise small DE 2026-01-01", "public_authority small IT 2026-01-01", "large_enterprise small CN 2026-01-01",
)  # fmt: skip
CHINESE_PUBLIC = "public_authority small CN 2026-01-01"


class TestTheChecker:
    @pytest.mark.parametrize(
        ("asked", "findings"),
        [
            pytest.param(contract(GERMAN, 59), [], id="eu-59"),
            pytest.param(contract(GERMAN, 60), [], id="eu-60"),
            pytest.param(contract(GERMAN, 61), [("beyond_statute", False)], id="eu-61"),
            pytest.param(
                contract(GERMAN, 61, expressly_agreed=True),
                [("beyond_statute_unless_justified", None)],
                id="eu-61-agreed-if-fair",
            ),
            pytest.param(contract(ITALIAN, 30), [], id="eu-public-30"),
            pytest.param(contract(ITALIAN, 31), [("beyond_statute", False)], id="eu-public-31"),
            pytest.param(
                contract(ITALIAN, 60, expressly_agreed=True),
                [("beyond_statute_unless_justified", None)],
                id="eu-public-60-agreed",
            ),
            pytest.param(contract(ITALIAN, 61, expressly_agreed=True), [("beyond_statute", False)], id="eu-public-61-never"),
            pytest.param(contract(CHINESE_PUBLIC, 31), [("beyond_statute", False)], id="cn-public-31"),
            pytest.param(contract(CHINESE_PUBLIC, 60, expressly_agreed=True), [], id="cn-public-60-by-contract"),
            pytest.param(
                contract(CHINESE_PUBLIC, 61, expressly_agreed=True), [("beyond_statute", False)], id="cn-public-61-never"
            ),
            pytest.param(contract(CHINESE, 60), [], id="cn-large-60"),
            pytest.param(contract(CHINESE, 61), [("beyond_statute", False)], id="cn-large-61"),
            pytest.param(
                contract(CHINESE, 90, expressly_agreed=True),
                [("beyond_statute_unless_justified", None)],
                id="cn-large-90-if-customary",
            ),
            pytest.param(contract(CHINESE, 30, paid_when_paid=True), [("back_to_back", False)], id="cn-no-back-to-back"),
            pytest.param(contract(GERMAN, 30, paid_when_paid=True), [], id="eu-says-nothing-of-back-to-back"),
            pytest.param(
                contract(CHINESE, 30, withholds_undisputed=True), [("undisputed_part_withheld", False)], id="cn-undisputed-part"
            ),
            pytest.param(
                contract(CHINESE, 61, paid_when_paid=True, withholds_undisputed=True),
                [("beyond_statute", False), ("back_to_back", False), ("undisputed_part_withheld", False)],
                id="all-at-once",
            ),
            pytest.param(contract("enterprise small US 2026-01-01", 365, paid_when_paid=True), [], id="no-line"),
        ],
    )
    def test_each_clause_is_judged(self, law: Statutes, asked: Contract, findings: list) -> None:
        assert [(found.fault, found.lawful) for found in statutes.check(law, asked)] == findings


RATES = (DatedRate(date(2023, 12, 1), Decimal("0.045")), DatedRate(date(2024, 6, 12), Decimal("0.0425")),
         DatedRate(date(2024, 9, 18), Decimal("0.0365")), DatedRate(date(2024, 12, 18), Decimal("0.0315")))  # fmt: skip


def debt(country: str = "DE", **changes) -> Debt:
    usual = {
        "amount": Decimal(36_500), "currency": "EUR", "due_on": date(2024, 6, 20), "signed_on": date(2024, 5, 1),
        "buyer_type": "large_enterprise", "supplier_size": "small", "country": country,
    }  # fmt: skip
    return Debt(**{**usual, **changes})


class TestPenaltyInterest:
    @pytest.mark.parametrize(
        ("until", "interest", "lump_sum", "n_days"),
        [
            pytest.param("2024-06-19", "0.00", 0, 0, id="the-day-before-due"),
            pytest.param("2024-06-20", "0.00", 0, 0, id="on-the-due-day"),
            # 36,500 / 365 = 100 a day per unit of rate: 4.5 % (in force on 1 January) + 8 %.
            pytest.param("2024-06-21", "12.50", 40, 1, id="one-day-late"),
            pytest.param("2024-06-30", "125.00", 40, 10, id="to-the-end-of-the-half-year"),
            # From 1 July 4.25 % + 8 %, whatever changed on 12 June or 18 September.
            pytest.param("2024-07-01", "137.25", 40, 11, id="the-first-day-of-the-next"),
            pytest.param("2024-12-31", "2379.00", 40, 194, id="to-the-end-of-the-year"),
            pytest.param("2025-01-01", "2390.15", 40, 195, id="the-rate-in-force-on-new-year"),
        ],
    )
    def test_eu_interest_is_the_rate_of_each_half_year_plus_eight_points(
        self, law: Statutes, until: str, interest: str, lump_sum: int, n_days: int
    ) -> None:
        found = statutes.penalty(law, debt(), until=date.fromisoformat(until), reference_rates=RATES)

        assert found is not None
        assert (found.interest, found.lump_sum, found.n_days) == (Decimal(interest), lump_sum, n_days)
        assert found.lump_sum_currency == "EUR"
        assert sum(stretch.n_days for stretch in found.stretches) == n_days

    @pytest.mark.parametrize(
        ("agreed", "interest"),
        [
            pytest.param(None, "1825.00", id="nothing-agreed-5-in-ten-thousand-a-day"),
            pytest.param("0.0345", "345.00", id="agreed-at-the-loan-prime-rate"),
            pytest.param("0.0344", "345.00", id="agreed-below-it-counts-as-it"),
            pytest.param("0.0346", "346.00", id="agreed-above-it"),
        ],
    )
    def test_chinese_interest_is_daily_or_agreed_but_not_below_the_prime_rate(
        self, law: Statutes, agreed: str | None, interest: str
    ) -> None:
        late = debt(
            "CN", currency="CNY", due_on=date(2025, 8, 1), signed_on=date(2025, 6, 1), agreed_rate=agreed and Decimal(agreed)
        )
        prime = [DatedRate(date(2024, 1, 1), Decimal("0.0345")), DatedRate(date(2025, 7, 1), Decimal("0.09"))]

        found = statutes.penalty(law, late, until=date(2025, 11, 9), reference_rates=prime)

        assert found is not None
        assert (found.n_days, found.interest, found.article) == (100, Decimal(interest), "17")
        assert (found.lump_sum, found.lump_sum_currency) == (0, None)

    def test_interest_is_rounded_once_and_half_a_cent_goes_up(self, law: Statutes) -> None:
        # 7.30 x .0005 x 1 = .00365; x 2 = .0073; x 137 = .50005
        late = debt("CN", amount=Decimal("7.30"), currency="CNY", due_on=date(2025, 8, 1))

        found = [statutes.penalty(law, late, until=date(2025, 8, 1 + days), reference_rates=()).interest for days in (1, 2, 4, 5)]

        assert found == [Decimal("0.00"), Decimal("0.01"), Decimal("0.01"), Decimal("0.02")]

    def test_a_case_without_a_line_has_no_statutory_interest(self, law: Statutes) -> None:
        assert statutes.penalty(law, debt("US"), until=date(2025, 1, 1), reference_rates=RATES) is None

    def test_a_debt_of_nothing_costs_nothing(self, law: Statutes) -> None:
        found = statutes.penalty(law, debt(amount=Decimal(0)), until=date(2024, 7, 1), reference_rates=RATES)

        assert found is not None
        assert (found.interest, found.lump_sum) == (0, 0)

    def test_a_missing_reference_rate_is_named(self, law: Statutes) -> None:
        with pytest.raises(UsageRefused, match=r"main refinancing rate.* for 2024-01-01"):
            statutes.penalty(law, debt(), until=date(2024, 7, 1), reference_rates=RATES[1:])

    def test_an_agreed_rate_is_not_silently_ignored(self, law: Statutes) -> None:
        with pytest.raises(UsageRefused, match="only the statutory interest"):
            statutes.penalty(law, debt(agreed_rate=Decimal("0.2")), until=date(2024, 7, 1), reference_rates=RATES)

    def test_a_credit_bears_no_interest(self, law: Statutes) -> None:
        with pytest.raises(UsageRefused, match="Credits bear no interest"):
            statutes.penalty(law, debt(amount=Decimal("-0.01")), until=date(2024, 7, 1), reference_rates=RATES)


class TestTheTextIsRefused:
    """Each planted fault in the signed text is named."""

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            pytest.param('agreed_if = "exp', 'agred_if = "exp', "unknown key", id="unknown-key"),
            pytest.param('article = "3(5)"\n', "", "article", id="no-article"),
            pytest.param('article = "3(5)"\n', 'article = ""\n', "article", id="empty-article"),
            pytest.param('source = "OJ L 48, 23.2.2011, p. 1; CELEX 32011L0007"\n', "", "source", id="no-source"),
            pytest.param("days = 60\n", 'days = "60"\n', "days", id="days-as-text"),
            pytest.param("days = 60\n", "days = 0\n", "days", id="no-days"),
            pytest.param("agreed_days = 60\n", "agreed_days = 29\n", "below days 30", id="agreement-shortens"),
            pytest.param('act = "eu-2011-7"\n', 'act = "eu-2000-35"\n', "no act eu-2000-35", id="unknown-act"),
            pytest.param("until = 2025-05-31", "until = 2025-06-01", "cn-728-public and cn-802-public", id="overlapping-days"),
            pytest.param("until = 2025-05-31", "until = 2020-08-31", "before from", id="ends-before-it-starts"),
            pytest.param('id = "cn-802-large"', 'id = "cn-802-public"', "stands twice", id="an-id-twice"),
            pytest.param('lump_sum_currency = "EUR"\n', "", "go together", id="a-lump-sum-of-no-currency"),
            pytest.param('rate = "0.08"', 'rate = "8"', "rate", id="a-percentage-for-a-share"),
            pytest.param('"AT", "BE"', '"AUT", "BE"', "countries", id="not-a-country-code"),
            pytest.param('disclaimer = "A summary', 'note = "A summary', "disclaimer", id="no-disclaimer"),
            pytest.param("from = 2013-03-16  #", "from = 2013-13-16  #", "not TOML", id="not-a-date"),
        ],
    )
    def test_with_the_key_or_the_lines(self, text: str, old: str, new: str, said: str) -> None:
        assert old in text

        with pytest.raises(UsageRefused, match="statutes: ") as refused:
            statutes.parse(text.replace(old, new, 1))

        assert said in str(refused.value)
