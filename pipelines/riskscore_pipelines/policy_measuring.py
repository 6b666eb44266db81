"""`riskscore policy measure`: what the book says of numbers the policy assumes, as entries for the committee to sign."""

import datetime as dt
import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from riskscore import grades, policy, recipe
from riskscore.errors import UsageRefused
from riskscore.phrases import Lang, day, word
from riskscore.policy import Params
from riskscore.policy.measured import PRIOR_CUSTOMERS, LossHistory, Proposal, as_toml, propose
from riskscore.stores.ledgers import open_book
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore.training.measuring import take_habits_and_losses
from riskscore_pipelines.policy_values import as_json
from riskscore_pipelines.train import BookLedgers

APPETITE = Decimal("0.5")
"""The most of what a trade earns that its expected loss may eat, unless a house says otherwise."""


@dataclass(frozen=True)
class Measured:
    """What a book says, by what was known on a day. book: its digest. proposals: the numbers that differ from the policy's."""

    on: dt.date
    book: str
    history: LossHistory
    proposals: tuple[Proposal, ...]

    @property
    def source(self) -> str:
        """Where the figures come from; who signs them writes its name below."""
        return f"measured on book {self.book[:12]} as known on {self.on.isoformat()}"

    def toml(self, source: str | None = None) -> str:
        """The entries as text to be added below the policy's own, in force from the day; empty where there are none."""
        return as_toml(self.proposals, on=self.on, source=source or self.source)

    def below(self, text: str, source: str | None = None) -> str:
        """The policy of that text with the entries below its own.

        Raises UsageRefused naming line and key where both together are not sound, as where a number was signed that day already.
        """
        whole = f"{text.rstrip()}\n\n{self.toml(source)}"
        policy.parse(whole, on=self.on)
        return whole


def last_day_of(folder: Path | None) -> dt.date:
    """The last day of the book: what is measured without a day is measured, and would hold, from then on."""
    return open_book(folder or Workplace().book).last_known_on


def measured(
    workplace: Workplace, folder: Path, params: Params, *, model: str = "late_payment", on: dt.date, appetite: Decimal = APPETITE
) -> Measured:
    """What the book says of that policy's assumptions, by what was known on the day."""
    book = open_book(folder)
    book.day_to_look_at(on, "--on")
    texts = {name: find_text(f"{model}/{name}.toml", workplace.models).read_text("utf-8") for name in ("recipe", "grades")}
    habits, history = take_habits_and_losses(BookLedgers(book), recipe.parse(texts["recipe"]).definition, until=on)
    found = propose(params, grades.parse(texts["grades"]), history, habits, appetite=appetite)
    return Measured(on, book.digest, history, found)


def few_followed(n_customers: int, lang: Lang) -> str | None:
    """What is told where the assumption of the loss weighs more than the late customers that were followed; else null."""
    if n_customers >= PRIOR_CUSTOMERS:
        return None
    return word("policy_few_late", lang, least=str(PRIOR_CUSTOMERS), late=str(n_customers))


def measure(
    base: Path,
    *,
    model: str,
    folder: Path | None,
    on: dt.date,
    appetite: Decimal,
    out: Path | None,
    lang: Lang,
    json_wanted: bool,
) -> None:
    """Show the entries that differ from the policy of that text, in force from that day, and write the policy with them.

    out: null writes nothing. Raises UsageRefused where it is there already (no program overwrites what people sign) or cannot be
    written.
    """
    if out is not None and out.exists():
        raise UsageRefused(f"policy measure: {out} is there already, and no policy is overwritten. Name another file.")
    text = base.read_text("utf-8")
    workplace = Workplace()
    params = policy.parse(text, on=on)
    found = measured(workplace, folder or workplace.book, params, model=model, on=on, appetite=appetite)
    n, late = str(len(found.proposals)), str(found.history.n_customers)
    print(word("policy_measured", lang, n=n, on=day(on, lang), late=late), file=sys.stderr)
    if (doubt := few_followed(found.history.n_customers, lang)) is not None:
        print(doubt, file=sys.stderr)
    if out is not None:
        whole = found.below(text)
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(whole)
        except OSError as error:
            raise UsageRefused(f"policy measure: {out} cannot be written ({error.strerror}). Name another file.") from error
        place = str(workplace.models / model / "policy.toml")
        print(word("policy_written", lang, file=str(out), place=place), file=sys.stderr)
    if json_wanted:
        plain = {
            "on": on.isoformat(), "book": found.book, "late_customers": found.history.n_customers,
            "owed": str(found.history.owed), "lost": str(found.history.lost),
            "proposals": {each.key: _plain(each) for each in found.proposals},
        }  # fmt: skip
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    elif out is None:
        print(found.toml(), end="")


def _plain(proposal: Proposal) -> dict[str, object]:
    return {"value": as_json(proposal.value), "unit": proposal.unit, "reason": proposal.reason}
