"""`riskscore portfolio`: what a book's customers owe at a date, how old it is, how long it takes, and on whom it hangs."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.table import Table
from rich.text import Text

from riskscore.portfolio import AGEING, Portfolio, Quarter, take_portfolio
from riskscore.stores.ledgers import open_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import money_of, table_of
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Ageing, DSO and its alert, concentration by family at a date.

Only what was known by the date counts: asked again later, the answer is the same.

Example:  riskscore portfolio --book book --as-of 2026-06-30
"""

HEADINGS = ("not due", "1-30", "31-60", "61-90", "over 90")


@app.command(help=HELP)
def portfolio_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to look at; default: the book's last.")
    ] = None,
    quarters: Annotated[int, typer.Option(min=1, max=40, help="How many quarters of DSO to show.")] = 5,
    top: Annotated[int, typer.Option(min=0, help="How many of the largest families to show.")] = 10,
    cap: Annotated[float, typer.Option(min=0.01, max=0.99, help="Largest share of the receivables one family may owe.")] = 0.20,
    dso_rise: Annotated[float, typer.Option(min=0.0, help="Rise of DSO, quarter on quarter, that alerts.")] = 0.15,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the portfolio of a book."""
    opened = open_book(book or Workplace().book)
    on = day_to_look_at(opened, as_of.date() if as_of else None)
    buckets = opened.buckets()
    with progress_bar() as told:

        def ledgers() -> Any:
            for bucket in buckets:
                told("ageing", bucket, len(buckets))
                yield opened.ledger(bucket=bucket)

        portfolio = take_portfolio(
            ledgers(),
            on,
            n_quarters=quarters,
            cap=Decimal(str(cap)),
            dso_rise=Decimal(str(dso_rise)),
        )
    if as_json:
        print(json.dumps(as_plain(portfolio, top), indent=1, ensure_ascii=False))
    else:
        show(portfolio, top, cap)


def as_plain(portfolio: Portfolio, top: int) -> dict[str, Any]:
    """The portfolio as JSON can hold it: money and days as text, exact; an absent figure is null."""
    found = portfolio.concentration
    return {
        "as_of": portfolio.as_of.isoformat(),
        "currency": portfolio.currency,
        "receivables": str(portfolio.receivables),
        "disputed": str(portfolio.disputed),
        "ageing": {bucket: str(amount) for bucket, amount in portfolio.ageing.items()},
        "quarters": [_plain_quarter(quarter) for quarter in portfolio.quarters],
        "dso_alerts": dict(portfolio.alerts),
        "concentration": {
            "owed_by_debtors": str(found.receivables),
            "largest_family": found.largest_family,
            "largest_share": _rounded(found.largest_share, "0.0001"),
            "top_ten_share": _rounded(found.top_share, "0.0001"),
            "herfindahl": _rounded(found.herfindahl, "0.0001"),
            "families_over_the_cap": list(found.over_cap),
        },
        "largest_families": [{name: _plain(cell) for name, cell in row.items()} for row in _first(portfolio.by_family, top)],
    }


def show(portfolio: Portfolio, top: int, cap: float) -> None:
    """The portfolio as tables."""
    out = console()
    out.print(_ageing(portfolio))
    out.print(_quarters(portfolio.quarters))
    for warning in _warnings(portfolio, cap):
        out.print(Text(warning, style="bold"))
    if top and portfolio.by_family.num_rows:
        out.print(_families(portfolio, top))
    found = portfolio.concentration
    if found.top_share is not None:
        out.print(f"ten largest {_share(found.top_share)}, Herfindahl {_rounded(found.herfindahl, '0.0001')}", markup=False)


def _ageing(portfolio: Portfolio) -> Table:
    title = f"Receivables at {portfolio.as_of} in {portfolio.currency}"
    table = table_of(title, *HEADINGS, "in all", "of it disputed", figures=len(HEADINGS) + 2)
    amounts = [*(portfolio.ageing[bucket] for bucket in AGEING), portfolio.receivables, portfolio.disputed]
    table.add_row(*(_amount(amount) for amount in amounts))
    if portfolio.receivables > 0:
        table.add_row(*(_share(amount / portfolio.receivables) for amount in amounts))
    return table


def _quarters(quarters: Sequence[Quarter]) -> Table:
    figures = ("receivables", "credit sales", "DSO", "best possible", "days delinquent", "collected of collectable")
    table = table_of("Days sales outstanding by quarter", "quarter to", *figures)
    for quarter in quarters:
        days = (quarter.dso, quarter.best_possible_dso, quarter.average_days_delinquent)
        effectiveness = quarter.collection_effectiveness
        table.add_row(
            quarter.ends_on.isoformat(),
            _amount(quarter.closing),
            _amount(quarter.sales),
            *("–" if value is None else f"{value:.1f}" for value in days),
            "–" if effectiveness is None else f"{effectiveness:.1f} %",
        )
    return table


def _warnings(portfolio: Portfolio, cap: float) -> list[str]:
    said = {
        "each": "DSO rose by more than the threshold in each of the last two quarters.",
        "cumulative": "DSO rose by more than the threshold over the last two quarters together.",
    }
    warnings = [said[rule] for rule, fires in portfolio.alerts.items() if fires]
    silent = [quarter.ends_on.isoformat() for quarter in portfolio.quarters if quarter.dso is None]
    if silent:
        warnings.append(f"No credit sales in the quarter to {', '.join(silent)}: DSO has no meaning there.")
    over = portfolio.concentration.over_cap
    if over:
        warnings.append(f"Above {cap:.0%} of the receivables: {', '.join(over)}.")
    return warnings


def _families(portfolio: Portfolio, top: int) -> Table:
    title = f"The {min(top, portfolio.by_family.num_rows)} largest families"
    table = table_of(title, "family", "name", "customers", "owed", "share", *HEADINGS, figures=len(HEADINGS) + 3)
    owed = portfolio.concentration.receivables
    for row in _first(portfolio.by_family, top):
        share = _share(row["balance"] / owed) if owed > 0 and row["balance"] > 0 else ""
        figures = (money_of(row["balance"]), share, *(money_of(row[bucket]) for bucket in AGEING))
        # Text, not markup: a name may hold square brackets.
        table.add_row(Text(row["family_id"]), Text(row["name"] or ""), str(row["n_customers"]), *figures)
    return table


def _plain_quarter(quarter: Quarter) -> dict[str, str | None]:
    return {
        "ends_on": quarter.ends_on.isoformat(),
        "receivables": str(quarter.closing),
        "overdue": str(quarter.overdue),
        "credit_sales": str(quarter.sales),
        "dso": _rounded(quarter.dso),
        "best_possible_dso": _rounded(quarter.best_possible_dso),
        "average_days_delinquent": _rounded(quarter.average_days_delinquent),
        "collection_effectiveness": _rounded(quarter.collection_effectiveness),
    }


def _first(rows: pa.Table, top: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = rows.slice(0, top).to_pylist()
    return found


def _plain(cell: Any) -> Any:
    return str(cell) if isinstance(cell, Decimal) else cell


def _rounded(value: Decimal | None, step: str = "0.01") -> str | None:
    return None if value is None else str(value.quantize(Decimal(step)))


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _share(share: Decimal) -> str:
    return f"{share:.1%}"
