"""`riskscore provision`: the IFRS 9 provision matrix of a book at a date, and the bridge to the model's expected loss."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from riskscore.errors import UsageRefused
from riskscore.insurance import lgd_after_cover
from riskscore.phrases import Lang, say
from riskscore.portfolio import AGEING, take_rolls
from riskscore.provision import Debtor, ProvisionText, Roll, digest_of, make, parse
from riskscore.stores.desk import Told
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.material import Accounts, accounts_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.finance.provision_page import Shown, as_plain, page_of, tables_of
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """The IFRS 9 provision of a book at a date (simplified approach), and the bridge to the model's expected loss.

Rates come from the book's own roll rates, as known by the date. Scenarios, given rates and overlays are signed in provision.toml;
an overlay past its last day changes nothing and is named.

Example:  riskscore provision --book book --as-of 2026-06-30 --out provision.xlsx --html provision.html
"""

CENT = Decimal("0.01")


@app.command(help=HELP)
def provision_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx (all sheets), .csv or .parquet (the matrix).")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[
        str, typer.Option(help="Which model, policy and provision text: a folder of signed texts.")
    ] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: the bridge begins at history's rates.")] = False,
    history_only: Annotated[bool, typer.Option("--history-only", help="Leave scenarios and overlays out.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Make the provision, show it and write it where asked."""
    if out is not None:
        refuse_unwritable(out)
    workplace = Workplace()
    text, digest = signed_text(workplace, model)
    if history_only:
        text = text.model_copy(update={"scenarios": [], "overlays": []})
    with progress_bar() as told:
        accounts = accounts_of(
            workplace, book, as_of.date() if as_of else None, told=told, model=None if no_model else model, texts=model
        )
        shown = provision_of(accounts, text, told, history_only=history_only)
    page = page_of(shown, lang, ((say("made_provision", lang), digest), *accounts.made_with(lang)))
    if out is not None:
        write_rows(tables_of(shown), out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(shown, lang), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def signed_text(workplace: Workplace, model: str) -> tuple[ProvisionText, str]:
    """The provision's rules that hold in this folder, and their digest. Raises UsageRefused where they are not sound."""
    path = find_text(f"{model}/provision.toml", workplace.models)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}).") from error
    return parse(text), digest_of(text)


def provision_of(accounts: Accounts, text: ProvisionText, told: Told, *, history_only: bool = False) -> Shown:
    """The provision of the book at the date by these rules."""
    params = accounts.signed.params
    by, register = text.segments.by, accounts.register(told)
    debtors = [
        Debtor(
            customer_id=row["customer_id"],
            segment="" if by == "none" else row[by] or "",
            opened={bucket: row[bucket] for bucket in AGEING},
            pd=decision.pd if decision else None,
            lgd=lgd_after_cover(params.loss_given_default, cover),
            lgd_late=lgd_after_cover(params.loss_of_late, cover),
            in_default=decision is not None and decision.case is not None and decision.case.in_default,
        )
        for row in accounts.customers
        for decision in [accounts.decisions.get(row["customer_id"])]
        for cover in [register.cover(row["customer_id"], row["balance"])]
    ]
    rolls = take_rolls(accounts.ledgers(told, "following open money"), accounts.on, n_steps=text.history.cohorts)
    horizon = accounts.signed.grades.horizon_days
    made = make(
        debtors, _rolls(rolls.to_pylist()), text, on=accounts.on, pd_horizon_days=horizon,
        lgd=params.loss_given_default, lgd_late=params.loss_of_late,
    )  # fmt: skip
    return Shown(accounts.on, accounts.currency, accounts.portfolio.receivables, horizon, text, debtors, made, history_only)


def _rolls(rows: list[dict[str, object]]) -> Iterator[tuple[str, Roll]]:
    for row in rows:
        opened, waiting, rolled, lost = (
            Decimal(str(row[name])) * CENT for name in ("opened", "waiting", "rolled", "written_off")
        )
        yield str(row["customer_id"]), Roll(str(row["bucket"]), opened, rolled, lost, waiting)
