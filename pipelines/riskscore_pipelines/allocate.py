"""`riskscore allocate`: the limits that earn most when money, losses and concentration are scarce, and what more is worth."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from riskscore.allocation import Budgets, budgets_on
from riskscore.errors import UsageRefused
from riskscore.phrases import Lang
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.allocating import allocated
from riskscore_pipelines.finance.allocation_page import as_plain, page_of, tables_of
from riskscore_pipelines.finance.material import Accounts, accounts_of
from riskscore_pipelines.finance.numbers import decimal_of, pairs_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """The limits that earn most under a total budget, a loss budget and shares, and what one more unit of each is worth.

Each customer's limit by the policy stays its ceiling. Budgets come from a signed text (--budgets) or from options, which replace
what the text says. Without --single-buyer the policy's share of one buyer holds for a family.

Example:  riskscore allocate --book book --budget 40000000 --loss-budget 300000 --class-share 7=0.05 --out limits.xlsx
"""


@app.command(help=HELP)
def allocate_verb(
    out: Annotated[Path | None, typer.Option(help="File of limits: .xlsx (with prices), .csv or .parquet.")] = None,
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    budgets: Annotated[Path | None, typer.Option(help="Signed text of budgets, TOML.")] = None,
    budget: Annotated[str | None, typer.Option(help="All limits together, in the book's currency.")] = None,
    loss_budget: Annotated[str | None, typer.Option(help="Expected loss of a year over all customers.")] = None,
    single_buyer: Annotated[str | None, typer.Option(help="Largest share of all limits for one family, e.g. 0.15.")] = None,
    class_share: Annotated[list[str] | None, typer.Option(help="GRADE=SHARE of all limits; may be repeated.")] = None,
    sector_share: Annotated[list[str] | None, typer.Option(help="INDUSTRY=SHARE of all limits; may be repeated.")] = None,
    insurer: Annotated[list[str] | None, typer.Option(help="INSURER=AMOUNT it has committed; may be repeated.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Allocate, show it and write it where asked."""
    if out is not None:
        refuse_unwritable(out)
    wanted: dict[str, Any] = {
        "total": None if budget is None else decimal_of("--budget", budget),
        "expected_loss": None if loss_budget is None else decimal_of("--loss-budget", loss_budget),
        "family_share": None if single_buyer is None else decimal_of("--single-buyer", single_buyer),
        "class_shares": pairs_of("--class-share", class_share),
        "sector_shares": pairs_of("--sector-share", sector_share),
        "insurer_amounts": pairs_of("--insurer", insurer),
    }
    with progress_bar() as told:
        accounts = accounts_of(Workplace(), book, as_of.date() if as_of else None, told=told, model=model, texts=model)
        scarce = budgets_of(accounts, budgets, wanted)
        register = accounts.register(told)
        told("allocating", 0, None)
        found = allocated(accounts, register, scarce)
    on, currency = accounts.on, accounts.currency
    page = page_of(found, on, currency, lang, accounts.made_with(lang))
    if out is not None:
        write_rows(tables_of(found, currency, lang), out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found, on, currency, lang), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def budgets_of(accounts: Accounts, path: Path | None, wanted: dict[str, Any]) -> Budgets:
    """The signed budgets on the date, with what the options say in place of theirs. Raises UsageRefused for an unsound text."""
    signed = Budgets()
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageRefused(f"{path}: cannot be read ({error}).") from error
        signed = budgets_on(text, accounts.on, accounts.currency)
    if signed.family_share is None and wanted["family_share"] is None:
        wanted = wanted | {"family_share": accounts.signed.params.concentration_single_buyer}
    return replace(signed, **{name: value for name, value in wanted.items() if value})
