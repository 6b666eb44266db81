"""Firms: failure from the ratios of accounts alone, learned on earlier firms, tested on later ones, beside what everybody uses.

    python benchmarks/model/firms.py [--train FILE --test FILE] [--quick]

FILE: rows of firm and year as in the public set of American firms (`../shared/data/american_firms`): `firm_id`, `fyear`, the
line items, `status` (1: filed for bankruptcy in the year after the last row). A firm's status stands on all its rows, so one row
a firm is learned and judged: its newest year, with the year before for what changed. Every peer gets the same ratios of the same
rows.
"""

import argparse
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import logit

from riskscore.evaluation import Measured, Resamples, paired_difference
from riskscore.model.calibration import fit_curve
from riskscore.model.formula import calibrated
from riskscore.model.rows import Rows
from riskscore.recipe import PairTerms, parse_signed
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text
from riskscore.tables import STATEMENT_ITEMS, TABLES
from riskscore.training.firms import RATIOS, firm_rows, fit_firms

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "american_firms"
COMMAND = "python benchmarks/model/firms.py"
SEED = 20261125
ITEMS = {
    "current_assets": "current_assets",
    "inventory": "inventory",
    "receivables": "total_receivables",
    "total_assets": "total_assets",
    "current_liabilities": "total_current_liabilities",
    "total_liabilities": "total_liabilities",
    "retained_earnings": "retained_earnings",
    "revenue": "total_revenue",
    "cost_of_sales": "cost_of_goods_sold",
    "ebit": "ebit",
    "net_income": "net_income",
}
"""Line item of the product to column of the set. Equity is assets less liabilities; the rest of the set is no line item here."""

THOUSANDS = Decimal(1000)
SLOPE, ECE = (0.8, 1.25), 0.05


def rows(quick: bool) -> list[dict[str, Any]]:
    """The rows of the table: discrimination beside the peers, and calibration out of time."""
    train, test = DATA / "train.csv.gz", DATA / "validation.csv.gz"
    if not train.exists():
        work = "American firms, ratios only"
        missing = {"measured": "no data at ../shared/data", "floor": "data", "peers": ""}
        return [{"work": work, **missing, "passed": False, "command": COMMAND}]
    return compare(train, test, quick=quick)


def compare(train: Path, test: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Train on one file, report on the other."""
    learned, judged = read_firms(train), read_firms(test)
    terms = parse_signed(find_text("firms/terms.toml").read_text(encoding="utf-8"), PairTerms, "terms of firms")
    model = fit_firms(learned, terms, SEED)
    said = {"riskscore": model.probability(judged.features)} | peers(learned, judged, quick=quick)
    resamples = Resamples(judged.customers, 100 if quick else 1000, SEED)
    found = {name: resamples.judge(pd, judged.outcome) for name, pd in said.items()}
    figures = {name: each.measured() for name, each in found.items()}
    strong = ("random forest", "CatBoost")
    ahead = {name: paired_difference(found["riskscore"], found[name], "auc") for name in strong}
    loss = {name: paired_difference(found["riskscore"], found[name], "log_loss") for name in strong}
    ours = figures["riskscore"]
    in_short = "; ".join(
        f"{name} {each['auc'].value:.3f}, log loss {each['log_loss'].value:.3f}, ECE {each['ece'].value:.3f}, "
        f"slope {each['calibration_slope'].value:.2f}"
        for name, each in figures.items()
        if name != "riskscore"
    )
    by = "; ".join(f"against {name}: AUC {interval(ahead[name], '+')}, log loss {interval(loss[name], '+')}" for name in strong)
    intercept, slope = ours["calibration_intercept"], ours["calibration_slope"]
    calibrated_well = intercept.low <= 0 <= intercept.high and slope.low <= SLOPE[1] and slope.high >= SLOPE[0]
    return [
        {
            "work": f"Firms, ratios only: AUC and log loss on {len(judged)} later firms, {int(judged.outcome.sum())} failed",
            "measured": f"AUC {interval(ours['auc'])}, log loss {interval(ours['log_loss'])}; {by}",
            "floor": "not below random forest and CatBoost by more than noise, in AUC and log loss",
            "peers": in_short,
            "passed": all(each.high >= 0 for each in ahead.values()) and all(each.low <= 0 for each in loss.values()),
            "command": COMMAND,
        },
        {
            "work": "Firms, ratios only: calibration on later firms",
            "measured": f"intercept {interval(intercept)}, slope {interval(slope)}, ECE {interval(ours['ece'])}",
            "floor": f"intercept 0 and slope {SLOPE[0]} to {SLOPE[1]} within the interval",
            "peers": in_short,
            "passed": calibrated_well,
            "command": COMMAND,
        },
    ]


def read_firms(path: Path) -> Rows:
    """The rows of a file: line items as canonical statements, through the product's snapshot, to the product's ratios."""
    table = pd.read_csv(path).drop_duplicates(["firm_id", "fyear"]).sort_values(["firm_id", "fyear"])
    n = len(table)
    schema = TABLES["statements"].arrow_schema
    known = {item: table[column] for item, column in ITEMS.items() if column in table}
    known["equity"] = table["total_assets"] - table["total_liabilities"]
    published = pa.array([date(year + 1, 5, 31) for year in table["fyear"]], pa.date32())
    columns: dict[str, Any] = {
        "customer_id": table["firm_id"].astype(str).tolist(),
        "period_end": [date(year, 12, 31) for year in table["fyear"]],
        "published_on": published,
        "known_on": published,
        "currency": ["USD"] * n,
    }
    for item in STATEMENT_ITEMS:
        values = known.get(item)
        columns[item] = [None] * n if values is None else [money(value) for value in values]
    statements = pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema})
    failed = table.groupby("firm_id")["status"].max()
    return firm_rows(ledger_of({"statements": statements}, "USD"), {str(firm): bool(value) for firm, value in failed.items()})


def money(thousands: float) -> Decimal | None:
    return None if np.isnan(thousands) else Decimal(f"{thousands:.4f}") * THOUSANDS


def peers(learned: Rows, judged: Rows, *, quick: bool) -> dict[str, Any]:
    """What others would use, on the same ratios of the same firms, with the settings they are usually run with."""
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer
    from xgboost import XGBClassifier

    trees = 100 if quick else 500
    makers: dict[str, Callable[[], Any]] = {
        "random forest": lambda: make_pipeline(
            SimpleImputer(strategy="median"), RandomForestClassifier(trees, min_samples_leaf=3, random_state=SEED)
        ),
        "CatBoost": lambda: CatBoostClassifier(
            iterations=trees, random_seed=SEED, verbose=False, thread_count=1, allow_writing_files=False
        ),
        "LightGBM": lambda: LGBMClassifier(random_state=SEED, verbosity=-1, n_jobs=1),
        "XGBoost": lambda: XGBClassifier(random_state=SEED, n_jobs=1),
        "logistic": lambda: make_pipeline(
            SimpleImputer(strategy="median"), QuantileTransformer(n_quantiles=100), LogisticRegression(max_iter=2000)
        ),
    }
    names = [each.name for each in RATIOS if learned.features[each.name].null_count < len(learned)]
    here, there = (np.column_stack([part.features[name].to_numpy() for name in names]) for part in (learned, judged))
    said = {name: make().fit(here, learned.outcome).predict_proba(there)[:, 1] for name, make in makers.items()}
    return said | {"Altman Z''": altman(learned, judged)}


def altman(learned: Rows, judged: Rows) -> Any:
    """Z'' alone, given a probability by a line on its log-odds."""
    z = [np.nan_to_num(part.features["altman_z2"].to_numpy()) for part in (learned, judged)]
    low, high = np.quantile(z[0], [0.01, 0.99])
    scale = max(float(np.clip(z[0], low, high).std()), 1e-9)
    prior = float(logit(learned.outcome.mean()))
    odds = [prior - (np.clip(each, low, high) - np.clip(z[0], low, high).mean()) / scale for each in z]
    return calibrated(fit_curve("platt", odds[0], learned.outcome), odds[1])


def interval(measured: Measured, sign: str = "") -> str:
    return f"{measured.value:{sign}.3f} ({measured.low:{sign}.3f} to {measured.high:{sign}.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, default=DATA / "train.csv.gz")
    parser.add_argument("--test", type=Path, default=DATA / "validation.csv.gz")
    parser.add_argument("--quick", action="store_true")
    wanted = parser.parse_args()
    print(json.dumps(compare(wanted.train, wanted.test, quick=wanted.quick), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
