"""`riskscore policy`: the credit policy in force on a day, and whether a changed text is sound."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from riskscore.errors import UsageRefused
from riskscore.phrases import Lang, day, parameter_meaning, word
from riskscore.policy import PARAMETERS, parse
from riskscore.policy.entries import MANUAL_CAP, Entry, read_entries
from riskscore.policy.text import in_force
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import table_of
from riskscore_pipelines.policy_values import as_json, said
from riskscore_pipelines.shown import console

app = typer.Typer()

HELP = """Show or check the credit policy in force.

show: every number in force on a day, with its unit, dates, who signed it and why. check: parse a text strictly, every line of
it; exit status 2 and the line of the first mistake where it is not sound.

Example:  riskscore policy check my_models/late_payment/policy.toml --on 2026-07-01
"""


@app.command(help=HELP)
def policy_verb(
    action: Annotated[Literal["show", "check"], typer.Argument(help="show or check.")] = "show",
    file: Annotated[Path | None, typer.Argument(help="A policy's text; default: the one that decides in this folder.")] = None,
    on: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day it must hold on; default: today.")] = None,
    model: Annotated[str, typer.Option(help="Which policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of the meanings.")] = "en",
    json_wanted: Annotated[bool, typer.Option("--json", help="The numbers in force as JSON on stdout.")] = False,
) -> None:
    """Show or check the policy."""
    path = file or find_text(f"{model}/policy.toml", Workplace().models)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}).") from error
    holds_on = on.date() if on else dt.datetime.now(tz=dt.UTC).date()
    params = parse(text, on=holds_on)
    entries = read_entries(text)
    found = in_force(entries, holds_on)
    if json_wanted:
        print(
            json.dumps(
                {"digest": params.digest, "on": holds_on.isoformat(), "in_force": _plain(found)}, indent=1, ensure_ascii=False
            )
        )
    elif action == "check":
        facts = {"n": str(len(entries)), "in_force": str(len(found)), "on": day(holds_on, lang), "digest": params.digest[:12]}
        print(word("policy_sound", lang, file=str(path), **facts))
    else:
        _show(entries, found, holds_on, lang)


def _show(entries: list[Entry], found: dict[str, Entry], on: dt.date, lang: Lang) -> None:
    heads = ("policy_key", "policy_value", "policy_unit", "policy_since", "policy_until", "policy_meaning", "policy_source")
    table = table_of(word("policy_title", lang, on=day(on, lang)), *(word(head, lang) for head in heads), figures=0)
    table.columns[0].no_wrap = True
    for key in PARAMETERS:
        entry = found.get(key)
        meaning = parameter_meaning(key, lang)
        if entry is None:
            table.add_row(key, word("policy_off", lang), "", "", "", meaning, "")
        else:
            table.add_row(key, said(entry.value, lang), entry.unit, *_dates(entry), Text(meaning), Text(entry.source))
    out = console()
    out.print(table)
    by_hand = [entry for entry in entries if entry.key == MANUAL_CAP.key and entry.holds_on(on)]
    if by_hand:
        of_caps = ("policy_value", "policy_unit", "policy_since", "policy_until", "policy_source", "policy_reason")
        caps = table_of(word("manual_cap", lang), "customer_id", *(word(head, lang) for head in of_caps), figures=0)
        for entry in by_hand:
            texts = (Text(entry.source), Text(entry.reason))
            caps.add_row(Text(entry.customer_id or ""), said(entry.value, lang), entry.unit, *_dates(entry), *texts)
        out.print(caps)


def _dates(entry: Entry) -> tuple[str, str]:
    return entry.since.isoformat(), entry.until.isoformat() if entry.until else ""


def _plain(found: dict[str, Entry]) -> dict[str, dict[str, object]]:
    return {
        key: {
            "value": as_json(entry.value),
            "unit": entry.unit,
            "from": entry.since.isoformat(),
            "until": entry.until.isoformat() if entry.until else None,
            "source": entry.source,
            "reason": entry.reason,
            "line": entry.line,
        }
        for key, entry in found.items()
    }
