"""What tests of finance's verbs share: a book made from a few rows, a working folder, and a model that can be done by hand."""

from pathlib import Path

import pytest

from deciding import GRADES, LinearModel
from exporting import canonical, deliver
from riskscore.policy import parse
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed
from riskscore.stores.exports import write_exports
from riskscore.stores.signed_texts import shipped_models
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance import material
from simulated import world_of

POLICY = (shipped_models() / "late_payment" / "policy.toml").read_text(encoding="utf-8")


def simulated_company(folder: Path) -> Path:
    """A working folder with the book of an invented company of 120 customers over 18 months, decided at its last day."""
    world = world_of()
    write_exports(world, folder / "exports")
    deliver(folder / "exports", canonical(), folder / "book", today=world.end_on)
    with pytest.MonkeyPatch.context() as patch:
        with_linear_model(patch)
        patch.chdir(folder)
        accounts = material.accounts_of(Workplace(), None, None, told=quiet, model="late_payment", texts="late_payment")
        engine = open_database(Workplace().database)
    log.append(engine, list(accounts.decisions.values()))
    log.complete(engine, accounts.provenance, len(accounts.decisions))
    engine.dispose()
    return folder


def quiet(*_: object) -> None:
    """Nobody listens to the progress."""


def company_of(folder: Path, **tables: str) -> Path:
    """A working folder with a book of these rows; each table is CSV text."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for name, text in tables.items():
        (exports / f"{name}.csv").write_text(
            "\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding="utf-8"
        )
    deliver(exports, canonical(), folder / "book")
    return folder


LATE = """
[[loss.given_lateness]]
from = 2000-01-01
value = 0.16
unit = "share of exposure"
source = "measured on the book"
reason = "most who pay late pay in the end"
"""


def with_linear_model(patch: pytest.MonkeyPatch, more: str = "") -> None:
    """Finance's verbs ask a model whose answers can be done by hand, in place of a registered one. more: lines of the policy."""
    patch.setattr(
        material,
        "in_force",
        lambda _workplace, _engine, on, *, model_name: Signed(LinearModel(), GRADES, parse(POLICY + more, on=on)),
    )
