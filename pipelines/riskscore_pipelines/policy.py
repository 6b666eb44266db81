"""`riskscore policy`: the credit policy in force on a day, whether a changed text is sound, and what two of them differ in."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from riskscore.errors import UsageRefused
from riskscore.phrases import Lang, day, parameter_meaning, unit_name, word
from riskscore.policy import PARAMETERS, Params, parse
from riskscore.policy.changes import Change, changes_between
from riskscore.policy.entries import MANUAL_CAP, Entry, read_entries
from riskscore.policy.text import in_force, lapses
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import table_of
from riskscore_pipelines.policy_values import as_json, said
from riskscore_pipelines.shown import console

app = typer.Typer()

HELP = """Show, check, compare or measure the credit policy.

show: every number in force on a day, with its unit, dates, who signed it and why. check: parse a text strictly, every line of
it; exit status 2 and the line of the first mistake where it is not sound. diff: what differs between two texts, between two days
of one text, or between a text and the one that decides here; a day stands for the policy that decides here, on that day.
measure: what the book says of numbers the policy assumes (lateness, peaks, what late customers' debt loses, and by them the risk
a grade may carry), as entries on stdout to read, correct and sign below the policy's own; with --out the whole policy with them,
as a new file. It changes nothing by itself.

Example:  riskscore policy show --on 2026-07-01 --lang zh

Example:  riskscore policy check my_models/late_payment/policy.toml --on 2026-07-01

Example:  riskscore policy diff 2026-06-30 2026-07-01

Example:  riskscore policy diff old/policy.toml new/policy.toml --json

Example:  riskscore policy measure --book book --on 2026-07-01 --appetite 0.5 --out proposed.toml
"""


@dataclass(frozen=True)
class Policy:
    """One policy as read: its name for people, its file, the day it is read at, its lines, and what they come to on that day."""

    name: str
    path: Path
    on: dt.date
    entries: list[Entry]
    params: Params


@app.command(help=HELP)
def policy_verb(
    action: Annotated[Literal["show", "check", "diff", "measure"], typer.Argument(help="show, check, diff or measure.")] = "show",
    policies: Annotated[
        list[str] | None, typer.Argument(help="A text; for diff one or two, each a text or a day. Default: what decides here.")
    ] = None,
    on: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day it must hold on; default: today, to measure: the book's last."),
    ] = None,
    book: Annotated[
        Path | None, typer.Option(help="Folder of the book to measure; without it the one of the working folder.")
    ] = None,
    appetite: Annotated[
        str, typer.Option(help="To measure: the most of what a trade earns that its expected loss may eat, above 0 to 1.")
    ] = "0.5",
    out: Annotated[
        Path | None, typer.Option(help="To measure: new file for the whole policy with the entries below, to read and sign.")
    ] = None,
    model: Annotated[str, typer.Option(help="Which policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of headings and meanings.")] = "en",
    json_wanted: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Show, check, compare or measure the policy."""
    here = find_text(f"{model}/policy.toml", Workplace().models)
    today = on.date() if on else dt.datetime.now(tz=dt.UTC).date()
    named = policies or []
    if len(named) > (2 if action == "diff" else 1):
        raise UsageRefused(f"policy {action}: takes at most {2 if action == 'diff' else 1} policies, not {len(named)}.")
    if action == "measure":
        from riskscore_pipelines.policy_measuring import last_day_of, measure

        today = today if on else last_day_of(book)
        base = _policy(named[0] if named else str(here), here, today)
        share = _share(appetite)
        measure(base.path, model=model, folder=book, on=today, appetite=share, out=out, lang=lang, json_wanted=json_wanted)
        return
    if out is not None:
        raise UsageRefused(f"policy {action}: --out is for measure. Nothing was written.")
    if action == "diff":
        if not named:
            raise UsageRefused("policy diff: compare with what? Name a text or a day, or two of them.")
        sides = [_policy(each, here, today) for each in named]
        before, after = sides if len(sides) == 2 else (_policy(str(here), here, sides[0].on), sides[0])
        changes = changes_between(before.entries, after.entries, on=(before.on, after.on))
        _answer(_diff_plain(before, after, changes)) if json_wanted else _show_changes(before, after, changes, lang)
        return
    found = _policy(named[0] if named else str(here), here, today)
    if json_wanted:
        _answer(_plain(found))
    elif action == "check":
        in_force_now = str(len(in_force(found.entries, found.on)))
        facts = {"n": str(len(found.entries)), "in_force": in_force_now, "on": day(found.on, lang)}
        print(word("policy_sound", lang, file=found.name, digest=found.params.digest[:12], **facts))
        for key, ends in lapses(found.entries, found.on).items():
            print(word("policy_lapses", lang, number=key, on=day(ends, lang)))
    else:
        _show(found, lang)


def _policy(named: str, here: Path, today: dt.date) -> Policy:
    """The policy in that file, or the one that decides here on that day. Raises UsageRefused for what is neither."""
    path, on = Path(named), today
    try:
        on = dt.date.fromisoformat(named)
    except ValueError:
        pass
    else:
        path = here
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}). Name a text of a policy, or a day such as 2026-07-01.") from error
    name = str(path) if path != here or named == str(here) else on.isoformat()
    return Policy(name, path, on, read_entries(text), parse(text, on=on))


def _share(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise UsageRefused(f"policy measure: an appetite is a share such as 0.5, not {text!r}. Nothing was measured.") from error


def _answer(result: Mapping[str, Any]) -> None:
    print(json.dumps(result, indent=1, ensure_ascii=False))


def _show(found: Policy, lang: Lang) -> None:
    heads = ("policy_key", "policy_value", "policy_unit", "policy_since", "policy_until", "policy_meaning", "policy_source")
    table = table_of(word("policy_title", lang, on=day(found.on, lang)), *(word(head, lang) for head in heads), figures=0)
    table.columns[0].no_wrap = True
    now = in_force(found.entries, found.on)
    for key in PARAMETERS:
        entry, meaning = now.get(key), parameter_meaning(key, lang)
        if entry is None:
            table.add_row(key, word("policy_off", lang), "", "", "", meaning, "")
        else:
            table.add_row(key, *_figure(entry, lang), *_dates(entry), Text(meaning), Text(entry.source))
    out = console()
    out.print(table)
    by_hand = [entry for entry in found.entries if entry.key == MANUAL_CAP.key and entry.holds_on(found.on)]
    if by_hand:
        of_caps = ("policy_value", "policy_unit", "policy_since", "policy_until", "policy_source", "policy_reason")
        caps = table_of(word("manual_cap", lang), "customer_id", *(word(head, lang) for head in of_caps), figures=0)
        for entry in by_hand:
            texts = (Text(entry.source), Text(entry.reason))
            caps.add_row(Text(entry.customer_id or ""), *_figure(entry, lang), *_dates(entry), *texts)
        out.print(caps)
    print(word("policy_digest", lang, file=str(found.path), digest=found.params.digest))


def _show_changes(before: Policy, after: Policy, changes: Sequence[Change], lang: Lang) -> None:
    title = word("policy_diff", lang, before=_side(before, lang), after=_side(after, lang))
    if not changes:
        print(f"{title}: {word('policy_same', lang)}")
        return
    heads = ("policy_key", "policy_before", "policy_after", "policy_since", "policy_meaning", "policy_source", "policy_reason")
    table = table_of(title, *(word(head, lang) for head in heads), figures=0)
    table.columns[0].no_wrap = True
    for change in changes:
        entry = change.after or change.before
        key = change.key.partition("[")[0]
        meaning = parameter_meaning(key, lang) if key in PARAMETERS else word("manual_cap", lang)
        old, new = (_value(side, lang) for side in (change.before, change.after))
        since, reason = (entry.since.isoformat(), entry.reason) if entry else ("", "")
        table.add_row(Text(change.key), old, new, since, Text(meaning), Text(change.signed_by), Text(reason))
    console().print(table)
    print(word("policy_digests", lang, before=before.params.digest[:12], after=after.params.digest[:12]))


def _side(policy: Policy, lang: Lang) -> str:
    on = day(policy.on, lang)
    return on if policy.name == policy.on.isoformat() else f"{policy.name} ({on})"


def _value(entry: Entry | None, lang: Lang) -> Text:
    return Text(word("policy_off", lang) if entry is None else " ".join(_figure(entry, lang)))


def _figure(entry: Entry, lang: Lang) -> tuple[str, str]:
    return said(entry.value, lang), unit_name(entry.unit, lang)


def _dates(entry: Entry) -> tuple[str, str]:
    return entry.since.isoformat(), entry.until.isoformat() if entry.until else ""


def _plain(found: Policy) -> dict[str, Any]:
    return {
        "digest": found.params.digest,
        "on": found.on.isoformat(),
        "in_force": {key: _line(entry) for key, entry in in_force(found.entries, found.on).items()},
    }


def _diff_plain(before: Policy, after: Policy, changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "before": {"policy": before.name, "on": before.on.isoformat(), "digest": before.params.digest},
        "after": {"policy": after.name, "on": after.on.isoformat(), "digest": after.params.digest},
        "changes": [
            {
                "key": change.key,
                "before": change.before and _line(change.before),
                "after": change.after and _line(change.after),
                "signed_by": change.signed_by,
            }
            for change in changes
        ],
    }


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "value": as_json(entry.value),
        "unit": entry.unit,
        "from": entry.since.isoformat(),
        "until": entry.until.isoformat() if entry.until else None,
        "source": entry.source,
        "reason": entry.reason,
        "line": entry.line,
    }
