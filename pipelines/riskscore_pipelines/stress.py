"""`riskscore stress`: what the receivables lose when probabilities rise, an industry is hit, or the largest families fail."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from riskscore.errors import UsageRefused
from riskscore.insurance import lgd_after_cover
from riskscore.phrases import Lang
from riskscore.stores.desk import Told
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore.stress import Debt, Shock
from riskscore_pipelines.finance.material import Accounts, accounts_of
from riskscore_pipelines.finance.numbers import decimal_of, pairs_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.finance.stress_page import Stressed, as_plain, page_of, table_of
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """What the receivables lose when probabilities rise, an industry is hit, or the largest families fail.

Beside the usual scenarios one of your own: probabilities times a factor, industries besides, so many families failing.
With --loss the other way round: at which multiple of all probabilities is that loss reached?

Example:  riskscore stress --book book --as-of 2026-06-30 --pd-times 2 --top 3 --sector F41=2 --loss 1000000
"""

ZERO = Decimal(0)


@app.command(help=HELP)
def stress_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    pd_times: Annotated[float, typer.Option(min=1.0, max=1000.0, help="Every probability times so much.")] = 1.0,
    top: Annotated[int, typer.Option(min=0, help="So many families with most at stake fail.")] = 0,
    sector: Annotated[list[str] | None, typer.Option(help="INDUSTRY=TIMES besides; may be repeated.")] = None,
    loss: Annotated[str | None, typer.Option(help="A loss to reach: by which multiple of all probabilities?")] = None,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx, .csv or .parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the stress and write it where asked."""
    if out is not None:
        refuse_unwritable(out)
    times = {name: float(value) for name, value in pairs_of("--sector", sector).items()}
    shock = Shock(pd_times, times, top)
    bearable = None if loss is None else decimal_of("--loss", loss)
    with progress_bar() as told:
        accounts = accounts_of(Workplace(), book, as_of.date() if as_of else None, told=told, model=model, texts=model)
        found = stressed(accounts, shock, bearable, told)
    page = page_of(found, lang, accounts.made_with(lang))
    if out is not None:
        write_rows({"stress": table_of(found, lang)}, out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found, lang), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def stressed(accounts: Accounts, shock: Shock, bearable: Decimal | None, told: Told) -> Stressed:
    """The book under the shock. Customers in credit owe nothing; those without a probability are left out, and counted.

    Raises UsageRefused for an industry that nobody is in.
    """
    register, params = accounts.register(told), accounts.signed.params
    debts, silent = [], ZERO
    for row in accounts.customers:
        customer, exposure = row["customer_id"], max(row["balance"], ZERO)
        decision = accounts.decisions.get(customer)
        if decision is None or decision.pd is None:
            silent += exposure
            continue
        cover, in_default = register.cover(customer, exposure), decision.case is not None and decision.case.in_default
        debts.append(
            Debt(
                customer,
                row["family_id"] or customer,
                row["industry"] or "",
                decision.pd,
                lgd_after_cover(params.loss_given_default, cover),
                exposure,
                lgd_late=None if in_default else lgd_after_cover(params.loss_of_late, cover),
            )
        )
    there = {debt.sector for debt in debts}
    if strangers := sorted(set(shock.sector_times) - there):
        known = ", ".join(sorted(there - {""})[:12]) or "none"
        raise UsageRefused(f"--sector: no customer is of industry {strangers[0]}. There are: {known}.")
    return Stressed(
        accounts.on, accounts.currency, accounts.signed.grades.horizon_days, debts, silent, accounts.family_names, shock, bearable
    )
