"""What tests of the model rooms share: invented rows whose truth is known, the shipped recipe, and models fitted once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from riskscore import grades, recipe, training
from riskscore.model import Model, from_files
from riskscore.model.bundle import canonical, make_files, read_manifest
from riskscore.model.calibration import calibrator, fit_curve, venn_abers
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Formula
from riskscore.model.rows import Rows
from riskscore.model.value import read_column
from riskscore.recipe import Recipe
from riskscore.stores.engines import ledger_of
from simulated import world_of

TEXTS = Path(__file__).resolve().parents[1] / "models" / "late_payment"
RECIPE_TEXT = (TEXTS / "recipe.toml").read_text(encoding="utf-8")
GRADES_TEXT = (TEXTS / "grades.toml").read_text(encoding="utf-8")
CARDS = {"en": (TEXTS / "card.md").read_text(encoding="utf-8"), "zh": (TEXTS / "card.zh.md").read_text(encoding="utf-8")}

BOOK = {
    "digest": "b" * 64,
    "n_customers": 150,
    "reporting_currency": "EUR",
    "last_known_on": "2023-10-31",
    "rows": {"customers": 150, "invoices": 7676},
    "dates": {"customers": ["2008-11-30", "2023-10-01"], "invoices": ["2022-01-03", "2023-10-31"]},
    "money": {"invoices": {"EUR": "34242982.1900"}},
    "sources": [
        {"name": "invoices.csv", "table": "invoices", "rows": 7680, "accepted": 7676, "quarantined": 3, "exact_duplicates": 1},
    ],
}
"""As much of the manifest of a book as a run keeps."""


@cache
def shipped() -> Recipe:
    return recipe.parse(RECIPE_TEXT)


@cache
def shipped_grades() -> grades.Grades:
    return grades.parse(GRADES_TEXT)


def small_text() -> str:
    """The shipped recipe, content with the evidence a small invented book can give, and quick."""
    text = RECIPE_TEXT
    for line, quicker in (
        ("customers_with_event = 30", "customers_with_event = 8"),
        ("customers_without_event = 30", "customers_without_event = 8"),
        ("fold_customers_with_event = 15", "fold_customers_with_event = 5"),
        ("warm_up_days = 150", "warm_up_days = 90"),
        ("folds = 4", "folds = 2"),
        ("rounds = 80", "rounds = 25"),
        ("rounds = 150", "rounds = 25"),
        ("most_cases = 24000", "most_cases = 1500"),
        ("rounds = 120", "rounds = 25"),
        ("leaves = 6, depth = 4, rounds = 60", "leaves = 6, depth = 4, rounds = 25"),
    ):
        assert line in text
        text = text.replace(line, quicker)
    return text


@cache
def small() -> Recipe:
    return recipe.parse(small_text())


@dataclass(frozen=True)
class Named:
    """As much of a catalogue entry as fitting reads."""

    name: str
    kind: str = "number"
    risk: str = "none"


FEATURES = (
    *(Named(f"worse_{n}", risk="rises") for n in range(4)),
    *(Named(f"better_{n}", risk="falls") for n in range(2)),
    *(Named(f"noise_{n}") for n in range(3)),
    Named("late_share_30_365d", risk="rises"),
    Named("n_matured_30d"),
    Named("industry", kind="category"),
)


@lru_cache(maxsize=8)
def invented(n_customers: int = 240, n_cuts: int = 6, seed: int = 1) -> Rows:
    """Rows of customers with a hidden quality: features show it with noise and gaps, the outcome follows it."""
    random = np.random.default_rng(seed)
    quality = random.normal(size=n_customers)
    who = np.repeat(np.arange(n_customers), n_cuts)
    n = len(who)
    columns: dict[str, Any] = {
        "customer_id": [f"c{each:05d}" for each in who],
        "as_of": pa.array([date(2024, 1, 31) + timedelta(days=30 * int(cut)) for cut in np.tile(np.arange(n_cuts), n_customers)]),
    }
    for feature in FEATURES[:9]:
        slope = {"rises": 0.7, "falls": -0.7, "none": 0.0}[feature.risk]
        values = slope * quality[who] + random.normal(size=n)
        columns[feature.name] = pa.array(np.where(random.random(n) < 0.1, np.nan, values), from_pandas=True)
    matured = random.poisson(5, n)
    late = random.binomial(matured, 1 / (1 + np.exp(1.5 - quality[who])))
    share = np.divide(late, matured, out=np.full(n, np.nan), where=matured > 0)
    columns["late_share_30_365d"] = pa.array(share, from_pandas=True)
    columns["n_matured_30d"] = matured.astype(float)
    trades = np.array(["steel", "food", "retail", None], dtype=object)[random.integers(0, 4, n_customers)]
    columns["industry"] = pa.array(trades[who], pa.string())
    chance = 1 / (1 + np.exp(1.8 - 1.3 * quality[who] - 0.8 * (trades[who] == "steel")))
    return Rows.of(pa.table(columns), (random.random(n) < chance).astype(float))


@lru_cache(maxsize=4)
def fitted(seed: int = 1) -> Model:
    """A model of invented rows, with a calibration curve and an interval that are not trivial."""
    rows = invented(seed=seed)
    formula = fit_formula(rows, FEATURES, small())
    log_odds = scores_of(Formula(formula), rows)
    formula["calibrator.json"] = canonical(
        calibrator(fit_curve("beta", log_odds, rows.outcome), venn_abers(log_odds, rows.outcome, rows.customer_weight))
    )
    about = {"name": "late_payment", "recipe": small().digest, "trained_until": "2025-01-01", "horizon_days": 180}
    return from_files(make_files(formula, rows.features.slice(0, 200), about))


def scores_of(formula: Formula, rows: Rows) -> Any:
    columns = {each["name"]: read_column(rows.features, each["name"], each["kind"]) for each in formula.inputs}
    return formula.log_odds(formula.matrix(columns))


WORLD = {"preset": "default", "n_customers": 150, "n_months": 22, "seed": 8}


@lru_cache(maxsize=2)
def trained() -> training.Trained:
    """A training on a small simulated book, made once."""
    world = world_of(**WORLD)
    ledger = ledger_of(dict(world.tables), "EUR")
    return training.train([ledger], small(), shipped_grades(), until=world.end_on)


def export(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """The tables as CSV files in a new folder."""
    folder.mkdir()
    for name, rows in tables.items():
        pyarrow.csv.write_csv(rows, folder / f"{name}.csv")


def sign_small_texts(folder: Path) -> Path:
    """The signed texts of a company whose book is small, in its working folder; returns where they lie."""
    own = folder / "models" / "late_payment"
    own.mkdir(parents=True)
    own.joinpath("recipe.toml").write_text(small_text(), encoding="utf-8")
    own.joinpath("grades.toml").write_text(GRADES_TEXT, encoding="utf-8")
    own.joinpath("card.md").write_text(CARDS["en"], encoding="utf-8")
    own.joinpath("card.zh.md").write_text(CARDS["zh"], encoding="utf-8")
    return own


def twin(files: Mapping[str, bytes], until: str) -> dict[str, bytes]:
    """The same model with another name on it: trained until another day, so another digest, and the same answers."""
    manifest = read_manifest(files["manifest.json"])
    return {**files, "manifest.json": canonical({**manifest, "trained_until": until})}


def decimal(number: float) -> Decimal:
    return Decimal(str(number))
