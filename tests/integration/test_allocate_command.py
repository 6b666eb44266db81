"""`riskscore allocate` on a book: budgets are kept, nobody gets more than the policy allows, and prices are true."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from finance import quiet, with_linear_model
from riskscore.allocation import Budgets
from riskscore.errors import UsageRefused
from riskscore.insurance import Register
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.allocating import Allocated, allocated
from riskscore_pipelines.finance.allocation_page import DASH, page_of
from riskscore_pipelines.finance.material import Accounts, accounts_of
from riskscore_pipelines.main import main

LOSS, TOTAL = Decimal(20_000), Decimal(1_500_000)


@pytest.fixture(scope="module")
def company(finance_company: Path) -> Path:
    return finance_company


@pytest.fixture
def run(
    company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in the company's folder, with a model done by hand: exit status, standard output, standard error."""
    with_linear_model(monkeypatch)
    monkeypatch.chdir(company)

    def call(*options: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main(["allocate", *options]), *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def asked(company: Path) -> tuple[Accounts, Register]:
    """The company's book and register, asked once."""
    with pytest.MonkeyPatch.context() as patch:
        with_linear_model(patch)
        patch.chdir(company)
        accounts = accounts_of(Workplace(), None, None, told=quiet, model="late_payment", texts="late_payment")
        return accounts, accounts.register(quiet)


@pytest.fixture(scope="module")
def solve(asked: tuple[Accounts, Register]) -> Callable[[Budgets], Allocated]:
    """An allocation over the company's book for any budgets, without asking the book again."""
    return lambda budgets: allocated(*asked, budgets)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_budgets_are_kept_and_the_policy_stays_the_ceiling(run, company):
    _, out, _ = run("--budget", str(TOTAL), "--loss-budget", str(LOSS), "--out", "limits.csv", "--json")
    found, rows = json.loads(out), rows_of(company / "limits.csv")
    limits = {row["customer_id"]: Decimal(row["limit_allocated"]) for row in rows}
    by_family: dict[str, Decimal] = {}
    for row in rows:
        if row["expected_profit"]:
            by_family[row["family_id"]] = by_family.get(row["family_id"], Decimal(0)) + limits[row["customer_id"]]

    assert sum(limits.values()) == Decimal(found["limits"]) <= TOTAL
    assert Decimal(found["expected_loss"]) <= LOSS
    assert all(0 <= limits[row["customer_id"]] <= Decimal(row["limit_policy"]) for row in rows)
    assert max(by_family.values()) <= Decimal("0.2") * sum(by_family.values()) + 1  # the policy's single buyer, to the cents
    assert Decimal(found["profit"]) >= Decimal(found["profit_proportional_cut"])


@pytest.mark.parametrize(
    ("scarce", "step"),
    [
        pytest.param({"expected_loss": LOSS}, Decimal("0.01"), id="loss-budget"),
        pytest.param({"total": TOTAL / 2}, Decimal(1), id="total"),
    ],
)
def test_a_price_is_what_solving_again_with_a_little_more_brings(solve, scarce, step):
    (name, room), budgets = next(iter(scarce.items())), Budgets(**scarce, family_share=Decimal("0.2"))
    price = next(price.price for price in solve(budgets).allocation.prices if price.code == name)
    more, less = (solve(replace(budgets, **{name: room + change})).allocation.planned_profit for change in (step, -step))

    assert price > 0
    assert price == pytest.approx((more - less) / float(2 * step), rel=1e-6)


def test_what_has_a_price_is_used_up_and_what_has_room_costs_nothing(solve):
    found = solve(Budgets(total=TOTAL, expected_loss=LOSS, family_share=Decimal("0.05"), class_shares={"5": Decimal("0.02")}))
    prices = found.allocation.prices

    assert {price.code for price in prices if price.price > 0} >= {"expected_loss"}
    for price in prices:
        assert price.used <= price.room + 1e-3
        assert price.price * (price.room - price.used) == pytest.approx(0, abs=1e-3)


def test_without_a_probability_the_policy_limit_stays_and_the_total_bears_it_first(asked):
    accounts, register = asked
    known = max(accounts.decisions.values(), key=lambda each: each.recommendation.limit)
    silent = replace(known, pd=None, case=replace(known.case, pd=None))
    book = replace(accounts, decisions={**accounts.decisions, known.customer_id: silent})
    promised = known.recommendation.limit
    found = allocated(book, register, Budgets(total=promised + 100_000))

    assert found.set_aside == promised > 0
    assert next(each.limit for each in found.given if each.decision is silent) == promised
    assert promised < found.total("limit") <= promised + 100_000
    with pytest.raises(UsageRefused, match="set aside for customers without a probability"):
        allocated(book, register, Budgets(total=promised))


def test_limits_that_are_on_no_file_are_a_dash_and_not_nothing(asked):
    accounts, register = asked
    none = {who: replace(each, limit_now=None) for who, each in accounts.decisions.items()}

    def limits_now(decisions):
        found = allocated(replace(accounts, decisions=decisions), register, Budgets(total=TOTAL))
        sheet = next(each for each in page_of(found, accounts.on, "EUR", "en", ()).sheets if "Limit today" in each.headings)
        return sheet.total[sheet.headings.index("Limit today")]

    assert limits_now(none) == DASH
    assert limits_now(dict(accounts.decisions)) not in {DASH, "0.00"}


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "One more EUR of loss budget is worth"), ("zh", "损失预算每增加 1 EUR，每年值")],
)
def test_prices_are_told_in_words_in_both_languages(run, company, lang, words):
    status, shown, _ = run("--budget", str(TOTAL), "--loss-budget", str(LOSS), "--lang", lang, "--html", "limits.html")

    assert status == 0
    assert words in shown.replace("\n", "")
    assert words in (company / "limits.html").read_text(encoding="utf-8")


def test_a_signed_text_gives_the_budgets_and_options_replace_them(run, company):
    text = (
        f'[[budget]]\nfrom = 2020-01-01\ncurrency = "EUR"\ntotal = "{TOTAL}"\nexpected_loss = "{LOSS}"\nfamily_share = "0.2"\n'
        'source = "board"\nreason = "the bank\'s line"\n'
    )
    (company / "budgets.toml").write_text(text, encoding="utf-8")
    signed = json.loads(run("--budgets", "budgets.toml", "--json")[1])
    options = json.loads(run("--budget", str(TOTAL), "--loss-budget", str(LOSS), "--single-buyer", "0.2", "--json")[1])
    more = json.loads(run("--budgets", "budgets.toml", "--loss-budget", str(LOSS * 2), "--json")[1])

    assert signed == options
    assert Decimal(more["profit"]) > Decimal(signed["profit"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--single-buyer", "0.001"], "cannot make a whole", id="a-share-too-small-for-so-few-families"),
        pytest.param(["--class-share", "99=0.1"], "no customer is of class 99", id="a-grade-that-is-none"),
        pytest.param(["--sector-share", "mining"], "'mining' is not GROUP=NUMBER", id="no-number"),
        pytest.param(["--budget", "1,000"], "'1,000' is no number", id="separators"),
        pytest.param(["--budget", "0"], "is not above 0", id="nothing"),
        pytest.param(["--budgets", "absent.toml"], "absent.toml: cannot be read", id="no-text"),
    ],
)
def test_what_cannot_be_allocated_is_one_line_that_names_the_budget(run, options, words):
    status, out, err = run(*options)

    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
