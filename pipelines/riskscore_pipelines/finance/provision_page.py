"""The provision told: the page, the rows of the file, and the same as plain JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.phrases import Lang, day, days, money, number, percent, say
from riskscore.phrases.terms import COMMA
from riskscore.provision import BUCKETS, Debtor, Made, Overlay, ProvisionText, Row
from riskscore_pipelines.finance.page import Figure, Page, Sheet, widths

MONEY = pa.decimal128(18, 2)
STEPS = ("model", "mix", "pd", "lgd", "horizon", "macro", "overlay", "residual", "booked")
ZERO = Decimal(0)
DASH = "–"


@dataclass(frozen=True)
class Shown:
    """What a page of the provision is made of, in no language yet."""

    on: date
    currency: str
    balance: Decimal
    horizon_days: int
    text: ProvisionText
    debtors: Sequence[Debtor]
    made: Made
    history_only: bool

    @property
    def gross(self) -> Decimal:
        """What is owed, credits not set against it."""
        return sum((row.gross for row in self.made.provision.rows), ZERO)


def page_of(shown: Shown, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""
    made = shown.made

    def amount(value: Decimal) -> str:
        return money(value, shown.currency, lang)

    share = percent(made.provision.total / shown.gross, lang) if shown.gross else DASH
    left = made.bridge.unexplained_share
    return Page(
        lang=lang,
        title=say("provision_title", lang),
        subtitle=(
            say("as_of", lang, on=day(shown.on, lang)),
            say("amounts_in", lang, currency=shown.currency),
            say("n_customers", lang, n=number(len(shown.debtors), lang)),
        ),
        figures=(
            Figure(say("gross", lang), amount(shown.gross)),
            Figure(say("provision", lang), amount(made.provision.total), say("of_receivables", lang, share=share)),
            Figure(say("by_history", lang), amount(made.by_history.total), say("by_history_note", lang)),
            Figure(
                say("model_loss", lang),
                amount(made.bridge.total("model")),
                say("model_loss_note", lang, days=days(shown.horizon_days, lang)),
            ),
            Figure(
                say("unexplained", lang),
                DASH if left is None else percent(left, lang),
                say("unexplained_note", lang),
                warns=not made.bridge.reconciles,
            ),
        ),
        notes=_notes(shown, lang),
        sheets=(
            _by_bucket(shown, lang),
            _by_segment(shown, lang),
            _rolls(shown, lang),
            _bridge(shown, lang),
            *_overlays(shown, lang),
        ),
        made_with=made_with,
    )


def _notes(shown: Shown, lang: Lang) -> tuple[str, ...]:
    made, notes = shown.made, []

    def amount(value: Decimal) -> str:
        return money(value, shown.currency, lang)

    if shown.history_only:
        notes.append(say("history_only", lang))
    if not made.bridge.reconciles:
        left = made.bridge.unexplained_share
        notes.append(say("does_not_reconcile", lang, share=DASH if left is None else percent(left, lang)))
    for overlay in made.provision.ignored:
        if overlay.expires_on < shown.on:
            ended = day(overlay.expires_on, lang)
            notes.append(say("overlay_expired", lang, owner=overlay.owner, on=ended, reason=overlay.reason))
        else:
            notes.append(say("overlay_future", lang, owner=overlay.owner, on=day(overlay.starts_on, lang)))
    if made.credits:
        notes.append(say("credits", lang, amount=amount(-made.credits), balance=amount(shown.balance)))
    notes += _of_history(shown, lang)
    return tuple(notes)


def _of_history(shown: Shown, lang: Lang) -> list[str]:
    """What is to be known of the rates that come from history."""
    made, notes = shown.made, []
    if made.silent:
        notes.append(say("silent", lang, amount=money(made.silent, shown.currency, lang)))
    if made.pooled and shown.text.segments.by != "none":
        notes.append(say("pooled", lang, segments=COMMA[lang].join(_segment(name, lang) for name in made.pooled)))
    if made.unseen:
        cells = COMMA[lang].join(f"{_segment(segment, lang)} {say(f'age_{bucket}', lang)}" for segment, bucket in made.unseen)
        notes.append(say("unseen", lang, cells=cells))
    if (followed := _followed_in_vain(made)) is not None:
        notes.append(say("nothing_lost", lang, followed=money(followed, shown.currency, lang)))
    return notes


def _followed_in_vain(made: Made) -> Decimal | None:
    """What was over 90 days overdue and followed by history, where none of it makes a rate though money is owed; else null."""
    owed = [row for row in made.by_history.rows if row.gross > 0]
    if not owed or any(row.rate.rate for row in owed):
        return None
    return sum((roll.opened for place, roll in made.rolls.items() if place == ("", BUCKETS[-1])), ZERO)


def _segment(name: str, lang: Lang) -> str:
    return name or say("whole_book", lang)


def _by_bucket(shown: Shown, lang: Lang) -> Sheet:
    rows, keys = shown.made.provision.rows, ("gross", "default_rate", "lgd", "rate", "history", "macro", "overlay", "provision")
    return Sheet(
        title=say("matrix_by_bucket", lang),
        note=say("matrix_by_bucket_note", lang),
        headings=(say("bucket", lang), *(say(key, lang) for key in keys)),
        rows=tuple(
            (say(f"age_{bucket}", lang), *_summed([row for row in rows if row.bucket == bucket], lang, shown.currency))
            for bucket in BUCKETS
            if any(row.bucket == bucket for row in rows)
        ),
        figures=len(keys),
        total=(say("in_all", lang), *_summed(rows, lang, shown.currency)) if rows else (),
        empty=say("nobody_owes", lang),
    )


def _summed(rows: Sequence[Row], lang: Lang, currency: str) -> tuple[str, ...]:
    gross = sum((row.gross for row in rows), ZERO)

    def mean(values: Sequence[Decimal | None]) -> str:
        return percent(sum((row.gross * (value or ZERO) for row, value in zip(rows, values, strict=True)), ZERO) / gross, lang)

    shares = ([row.rate.default_rate for row in rows], [row.rate.lgd for row in rows], [row.rate.rate for row in rows])
    amounts = (
        [row.history for row in rows],
        [row.macro for row in rows],
        [row.overlay for row in rows],
        [row.amount for row in rows],
    )
    return (
        money(gross, currency, lang),
        *(mean(values) for values in shares),
        *(money(sum(values, ZERO), currency, lang) for values in amounts),
    )


def _by_segment(shown: Shown, lang: Lang) -> Sheet:
    rows: dict[str, list[Row]] = {}
    for row in shown.made.provision.rows:
        rows.setdefault(row.segment, []).append(row)
    lines, amounts = [], []
    for segment, held in sorted(rows.items(), key=lambda item: -sum((row.amount for row in item[1]), ZERO)):
        rates = {row.bucket: percent(row.rate.rate, lang) for row in held}
        amounts.append(float(sum((row.amount for row in held), ZERO)))
        lines.append(
            (
                _segment(segment, lang),
                money(sum((row.gross for row in held), ZERO), shown.currency, lang),
                *(rates.get(bucket, DASH) for bucket in BUCKETS),
                money(sum((row.amount for row in held), ZERO), shown.currency, lang),
            )
        )
    return Sheet(
        title=say("matrix_by_segment", lang),
        note=say("matrix_by_segment_note", lang),
        headings=(say("segment", lang), say("gross", lang), *(say(f"age_{b}", lang) for b in BUCKETS), say("provision", lang)),
        rows=tuple(lines),
        figures=len(BUCKETS) + 2,
        bars=widths(amounts),
        empty=say("nobody_owes", lang),
    )


def _rolls(shown: Shown, lang: Lang) -> Sheet:
    rows = []
    for bucket in BUCKETS:
        if (roll := shown.made.rolls.get(("", bucket))) and roll.opened:
            parts = (roll.waiting, roll.rolled, roll.written_off, roll.settled)
            shares = tuple(percent(part / roll.opened, lang) for part in parts)
            rows.append((say(f"age_{bucket}", lang), money(roll.opened, shown.currency, lang), *shares))
    return Sheet(
        title=say("rolls", lang),
        note=f"{say('rolls_note', lang, n=str(shown.text.history.cohorts))} {say('rolled_last', lang)}",
        headings=(
            say("bucket", lang),
            *(say(key, lang) for key in ("opened", "waiting", "rolled", "written_off", "settled")),
        ),
        rows=tuple(rows),
        figures=5,
        empty=say("no_history", lang),
    )


def _bridge(shown: Shown, lang: Lang) -> Sheet:
    bridge = shown.made.bridge

    def amounts(step: str) -> tuple[Decimal, ...]:
        each = (sum((getattr(row, step) for row in bridge.rows if row.bucket == bucket), ZERO) for bucket in BUCKETS)
        return (*each, bridge.total(step))

    lines = {step: amounts(step) for step in STEPS}
    return Sheet(
        title=say("bridge", lang),
        note=say("bridge_note", lang),
        headings=(say("step", lang), *(say(f"age_{bucket}", lang) for bucket in BUCKETS), say("in_all", lang)),
        rows=tuple(
            (say(f"step_{step}", lang), *(money(amount, shown.currency, lang) for amount in lines[step])) for step in STEPS
        ),
        figures=len(BUCKETS) + 1,
        bars=widths([float(lines[step][-1]) * (1 if step in {"model", "booked"} else -1) for step in STEPS]),
    )


def _overlays(shown: Shown, lang: Lang) -> tuple[Sheet, ...]:
    overlays = (*shown.made.provision.overlays, *shown.made.provision.ignored)
    if not overlays:
        return ()

    def line(overlay: Overlay) -> tuple[str, ...]:
        bucket = say(f"age_{overlay.bucket}", lang) if overlay.bucket else say("all_buckets", lang)
        return (
            overlay.owner, overlay.reason, _segment(overlay.segment, lang), bucket, number(overlay.factor, lang),
            day(overlay.starts_on, lang), day(overlay.expires_on, lang),
            say("yes" if overlay.is_in_force(shown.on) else "no", lang),
        )  # fmt: skip

    keys = ("owner", "reason", "segment", "bucket", "factor", "first_on", "last_on", "in_force")
    return (Sheet(say("overlays", lang), tuple(say(key, lang) for key in keys), tuple(map(line, overlays)), figures=0),)


def tables_of(shown: Shown) -> dict[str, pa.Table]:
    """The rows of the file: what is provided for, the bridge, the rolls, and every customer's expected loss."""
    made = shown.made
    provision = [
        {
            "segment": row.segment, "bucket": row.bucket, "gross": row.gross, "default_rate": row.rate.default_rate,
            "lgd": row.rate.lgd, "rate": row.rate.rate, "history": row.history, "macro": row.macro, "overlay": row.overlay,
            "provision": row.amount,
        }
        for row in made.provision.rows
    ]  # fmt: skip
    steps = [
        {"segment": row.segment, "bucket": row.bucket, **{step: getattr(row, step) for step in STEPS}} for row in made.bridge.rows
    ]
    rolls = [
        {"segment": segment, "bucket": bucket, **{name: getattr(roll, name) for name in ROLLED}}
        for (segment, bucket), roll in sorted(made.rolls.items(), key=lambda item: (item[0][0], BUCKETS.index(item[0][1])))
    ]
    customers = [
        {
            "customer_id": debtor.customer_id, "segment": debtor.segment, **{name: debtor.opened[name] for name in BUCKETS},
            "pd": debtor.pd, "lgd": debtor.lost_share, "expected_loss": made.losses[debtor.customer_id],
        }
        for debtor in sorted(shown.debtors, key=lambda debtor: debtor.customer_id)
    ]  # fmt: skip
    return {
        "provision": _table(provision, ("segment", "bucket"), ("default_rate", "lgd", "rate"), PROVIDED),
        "bridge": _table(steps, ("segment", "bucket"), (), STEPS),
        "rolls": _table(rolls, ("segment", "bucket"), (), ROLLED),
        "customers": _table(customers, ("customer_id", "segment"), ("pd", "lgd"), (*BUCKETS, "expected_loss")),
    }  # fmt: skip


PROVIDED = ("gross", "history", "macro", "overlay", "provision")
ROLLED = ("opened", "waiting", "rolled", "written_off", "settled")


def _table(rows: Sequence[Mapping[str, Any]], texts: Sequence[str], shares: Sequence[str], amounts: Sequence[str]) -> pa.Table:
    def shares_of(name: str) -> pa.Array:
        return pa.array([None if row[name] is None else float(row[name]) for row in rows], pa.float64())

    return pa.table(
        {name: pa.array([row[name] for row in rows], pa.string()) for name in texts}
        | {name: shares_of(name) for name in shares}
        | {name: pa.array([row[name] for row in rows], MONEY) for name in amounts}
    )


def as_plain(shown: Shown, lang: Lang) -> dict[str, Any]:
    """The provision as JSON can hold it: money and shares as text, exact; warnings in words."""
    made, left = shown.made, shown.made.bridge.unexplained_share

    def plain(table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = tables_of(shown)[table].to_pylist()
        return [{name: str(cell) if isinstance(cell, Decimal) else cell for name, cell in row.items()} for row in rows]

    return {
        "as_of": shown.on.isoformat(),
        "currency": shown.currency,
        "ledger_balance": str(shown.balance),
        "gross": str(shown.gross),
        "credits": str(made.credits),
        "provision": str(made.provision.total),
        "by_history": str(made.by_history.total),
        "model_expected_loss": str(made.bridge.total("model")),
        "unexplained_share": None if left is None else str(left.quantize(Decimal("0.000001"))),
        "reconciles": made.bridge.reconciles,
        "silent": str(made.silent),
        "warnings": list(_notes(shown, lang)),
        "overlays_in_force": len(made.provision.overlays),
        "matrix": plain("provision"),
        "bridge": {step: str(made.bridge.total(step)) for step in STEPS},
        "rolls": [row for row in plain("rolls") if row["segment"] == ""],
    }
