"""`riskscore forecast`: when each open invoice of a book will be paid, and what cash the weeks ahead will bring."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from riskscore.errors import UsageRefused
from riskscore.stores.files import appearing_at
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import money_of, table_of
from riskscore_pipelines.forecasting import WORDS, Forecast, forecast_book, page_of
from riskscore_pipelines.forecasting.gather import FIGURES
from riskscore_pipelines.forecasting.words import LATE_DAYS
from riskscore_pipelines.reporting.formats import Lang
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = f"""Say when each open invoice will be paid, and what cash the weeks ahead will bring.

Writes one row an open invoice: its chance to be more than {LATE_DAYS} days late, and the dates by which it is paid
with a chance of 10, 50 and 90 %. Prints expected cash by week and currency, with the range in which four weeks in five should
fall. Open invoices only: what will be billed from now on comes on top. Disputed invoices are left out.

--terms-out writes how long each customer takes from the issue of an invoice to its payment, on each of its terms.

Example:  riskscore forecast --book book --as-of 2026-06-30 --out invoices.csv --html cash.html
"""


@app.command(help=HELP)
def forecast_verb(
    out: Annotated[Path, typer.Option(help="Invoices file to write: .parquet, .csv or .xlsx.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to forecast from; default: the book's last.")
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks of cash to forecast.")] = 13,
    model: Annotated[str, typer.Option(help="Which model.")] = "late_payment",
    terms_out: Annotated[
        Path | None,
        typer.Option("--terms-out", help="Also write the days from issue to payment, by customer and terms."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page with the chart and the table.")] = None,
    lang: Annotated[Lang, typer.Option(help="Language of table and page.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The cash table as JSON on stdout.")] = False,
) -> None:
    """Forecast the payments of a book."""
    for path in (out, *([terms_out] if terms_out else [])):
        refuse_unwritable(path)
    if html is not None and not html.absolute().parent.is_dir():
        raise UsageRefused(f"{html}: there is no folder {html.parent}. Make it first; nothing was done.")
    workplace = Workplace()
    with progress_bar() as told:
        forecast = forecast_book(
            workplace,
            book or workplace.book,
            as_of=as_of.date() if as_of else None,
            n_weeks=weeks,
            with_terms=terms_out is not None,
            model=model,
            told=told,
        )
    write_rows({"invoices": forecast.invoices}, out)
    if terms_out is not None and forecast.terms is not None:
        write_rows({"terms": forecast.terms}, terms_out)
    if html is not None:
        with appearing_at(html) as draft:
            draft.write_text(page_of(forecast, lang), encoding="utf-8")
    if as_json:
        print(json.dumps(forecast.as_json(), indent=1, ensure_ascii=False))
    else:
        show(forecast, lang)
        print(f"{out}: written")


def show(forecast: Forecast, lang: Lang) -> None:
    """The cash of the weeks ahead, a table a currency."""
    words, printed = WORDS[lang], console()
    printed.print(words["as_of"].format(on=forecast.on.isoformat(), n=f"{forecast.invoices.num_rows:,}"), markup=False)
    for currency in forecast.weeks:
        printed.print(_table(forecast, currency, lang))
    printed.print(words["range"] if forecast.weeks else words["nothing"], markup=False)


def _table(forecast: Forecast, currency: str, lang: Lang) -> Table:
    words, weeks = WORDS[lang], forecast.weeks[currency]
    title = words["heading"].format(currency=currency)
    table = table_of(title, words["week_to"], *(words[name] for name in FIGURES), figures=len(FIGURES))
    for at, end in enumerate(forecast.week_ends()):
        table.add_row(end.isoformat(), *(money_of(Decimal(round(float(getattr(weeks, name)[at])))) for name in FIGURES))
    return table
