"""`riskscore policy measure`: what the book says of numbers the policy assumes, as entries for the committee to sign."""

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from riskscore import grades, positions, recipe
from riskscore.phrases import Lang, day, word
from riskscore.policy import Params
from riskscore.policy.measured import Proposal, as_toml, propose
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.ledgers import open_book
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore.training.measuring import habits_of, take_losses
from riskscore_pipelines.policy_values import as_json
from riskscore_pipelines.train import BookLedgers


def last_day_of(folder: Path | None) -> dt.date:
    """The last day of the book: what is measured without a day is measured, and would hold, from then on."""
    return open_book(folder or Workplace().book).last_known_on


def measure(
    params: Params, *, model: str, folder: Path | None, on: dt.date, appetite: Decimal, lang: Lang, json_wanted: bool
) -> None:
    """Print the entries that differ from the policy, in force from that day, by what was known on it."""
    workplace = Workplace()
    book = open_book(folder or workplace.book)
    texts = {name: find_text(f"{model}/{name}.toml", workplace.models).read_text("utf-8") for name in ("recipe", "grades")}
    ledgers = BookLedgers(book)
    standing = pa.concat_tables([positions.compute(take_snapshot(ledger, customers_known_at(ledger, on))) for ledger in ledgers])
    history = take_losses(ledgers, recipe.parse(texts["recipe"]).definition, until=on)
    found = propose(params, grades.parse(texts["grades"]), history, habits_of(standing), appetite=appetite)
    said = word("policy_measured", lang, n=str(len(found)), on=day(on, lang), late=str(history.n_customers))
    print(said, file=sys.stderr)
    if json_wanted:
        plain = {
            "on": on.isoformat(), "book": book.digest, "late_customers": history.n_customers,
            "owed": str(history.owed), "lost": str(history.lost), "proposals": {each.key: _plain(each) for each in found},
        }  # fmt: skip
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    elif found:
        print(as_toml(found, on=on, source=f"measured on book {book.digest[:12]} as known on {on.isoformat()}"), end="")


def _plain(proposal: Proposal) -> dict[str, object]:
    return {"value": as_json(proposal.value), "unit": proposal.unit, "reason": proposal.reason}
