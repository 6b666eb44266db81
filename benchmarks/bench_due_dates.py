"""From which due date the floors of the IBM sample were set: plain peers on plain inputs, by both, beside that table's figures.

    python benchmarks/bench_due_dates.py

The table that the floors come from names its peers and their AUC, not the day that lateness was counted from. Here the same peers
are refitted at the same five quarters on the same file, once from the due date on the invoice, as the publisher's `DaysLate` is,
and once from the next business day. Nothing of riskscore's own model is asked. Inputs are what anyone would take: the customer's
record of all invoices settled before the issue, what is open, the amount, how it was sent; once more with the calendar of the due
date. No setting was searched for. Figures: AUC, then log loss.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import holidays
import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

FILE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "ibm_receivables" / "invoices.csv"
REFITS = [pd.Timestamp(2012 + month // 12, month % 12 + 1, 1) for month in range(9, 24, 3)]
FLOOR = "AUC 0.875, log loss 0.410"
TOLD = {
    "shrunken rate": "0.865", "logistic": "0.865", "LightGBM": "0.873", "XGBoost": "0.875", "CatBoost": "0.872",
    "random forest": "0.874", "mean of members": "0.8775 / 0.4052",
}  # fmt: skip
"""What the table says of each peer; its mean is of a logistic, LightGBM and a payment hazard, the forest here for the last."""

CALENDAR = ["weekday", "day_of_month", "rolled"]
FEW = 2.0
"""Invoices of the mean share that a customer's own stand beside."""


def main() -> int:
    if not FILE.is_file():
        print("the public data are not there: ../shared/data/ibm_receivables/invoices.csv", file=sys.stderr)
        return 1
    invoices = read()
    columns = {}
    for due, title in (("printed", "from the due date on the invoice"), ("business_day", "from the next business day")):
        inputs, late = described(invoices, due)
        for leave_out, more in ((CALENDAR, ""), ([], ", with the calendar")):
            columns[title + more] = judged(invoices, inputs.drop(columns=leave_out), late)
    table = Table("peer", "the floors' table", *columns, title=f"IBM late > 0, n {judged_n(invoices):,}; the floor: {FLOOR}")
    for peer, said in TOLD.items():
        table.add_row(peer, said, *(f"{auc:.4f} / {loss:.4f}" for auc, loss in (each[peer] for each in columns.values())))
    Console(width=180).print(table)
    return 0


def read() -> pd.DataFrame:
    """The invoices by date of issue, with both due dates."""
    found = pd.read_csv(FILE)
    for name in ("InvoiceDate", "DueDate", "SettledDate"):
        found[name] = pd.to_datetime(found[name], format="%m/%d/%Y")
    rest = set(holidays.country_holidays("US", years=range(2011, 2015)))
    found["printed"] = found["DueDate"]
    found["business_day"] = found["DueDate"].map(lambda day: next(
        each for each in pd.date_range(day, periods=10) if each.weekday() < 5 and each.date() not in rest
    ))  # fmt: skip
    return found.sort_values(["InvoiceDate", "invoiceNumber"], ignore_index=True)


def described(invoices: pd.DataFrame, due: str) -> tuple[pd.DataFrame, Any]:
    """The inputs of each invoice by what was known before its issue, and whether it was paid after the due date."""
    days = (invoices["SettledDate"] - invoices[due]).dt.days
    rows = []
    for _, own in invoices.assign(days=days).groupby("customerID"):
        for at, invoice in own.iterrows():
            issued = invoice["InvoiceDate"]
            settled = own[own["SettledDate"] < issued].sort_values("SettledDate")
            waiting = own[(own["InvoiceDate"] < issued) & (own["SettledDate"] >= issued)]
            late, newest = settled["days"], settled["days"].tail(3)
            rows.append({
                "at": at, "n": len(late), "n_late": (late > 0).sum(), "mean": late.mean(), "sd": late.std(), "most": late.max(),
                "least": late.min(), "last": newest.iloc[-1] if len(newest) else np.nan, "last_three": newest.mean(),
                "late_of_three": (newest > 0).mean() if len(newest) else np.nan, "n_open": len(waiting),
                "n_overdue": (waiting[due] < issued).sum(), "log_amount": np.log(invoice["InvoiceAmount"]),
                "log_amount_of_usual": np.log(invoice["InvoiceAmount"]) - np.log(settled["InvoiceAmount"]).mean(),
                "electronic": float(invoice["PaperlessBill"] == "Electronic"), "weekday": invoice[due].weekday(),
                "day_of_month": invoice["DueDate"].day, "rolled": (invoice["business_day"] - invoice["DueDate"]).days,
            })  # fmt: skip
    return pd.DataFrame(rows).set_index("at").sort_index(), (days > 0).to_numpy(dtype=float)


def judged(invoices: pd.DataFrame, inputs: pd.DataFrame, late: Any) -> dict[str, tuple[float, float]]:
    """AUC and log loss of each peer over the five quarters. An invoice teaches when it is paid, or unpaid after its due date."""
    outcome, said = [], {peer: [] for peer in TOLD}
    issued = invoices["InvoiceDate"]
    for number, refit in enumerate(REFITS):
        end = REFITS[number + 1] if number + 1 < len(REFITS) else pd.Timestamp.max
        past = ((issued < refit) & ((invoices["SettledDate"] < refit) | (invoices["business_day"] < refit))).to_numpy()
        now = ((issued >= refit) & (issued < end)).to_numpy()
        rate = (inputs["n_late"] + FEW * late[past].mean()) / (inputs["n"] + FEW)
        numbers = inputs.assign(rate=rate)
        outcome.append(late[now])
        said["shrunken rate"].append(rate[now].to_numpy())
        for peer, model in peers().items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # names of columns, met by some and not by others
                said[peer].append(model.fit(numbers[past], late[past]).predict_proba(numbers[now])[:, 1])
        said["mean of members"].append(np.mean([said[each][-1] for each in ("logistic", "LightGBM", "random forest")], axis=0))
    truth = np.concatenate(outcome)
    told = {peer: np.concatenate(parts) for peer, parts in said.items()}
    return {peer: (roc_auc_score(truth, chance), log_loss(truth, chance)) for peer, chance in told.items()}


def peers() -> dict[str, Any]:
    return {
        "logistic": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.02)),
        "LightGBM": LGBMClassifier(
            num_leaves=6, n_estimators=120, learning_rate=0.04, min_child_samples=30, colsample_bytree=0.5, n_jobs=1, verbosity=-1
        ),
        "XGBoost": XGBClassifier(max_depth=3, n_estimators=120, learning_rate=0.04, colsample_bytree=0.5, n_jobs=1),
        "CatBoost": CatBoostClassifier(
            depth=4, iterations=200, learning_rate=0.04, thread_count=1, verbose=False, random_seed=1, allow_writing_files=False
        ),
        "random forest": make_pipeline(
            SimpleImputer(), RandomForestClassifier(n_estimators=300, min_samples_leaf=10, n_jobs=1, random_state=0)
        ),
    }


def judged_n(invoices: pd.DataFrame) -> int:
    return int((invoices["InvoiceDate"] >= REFITS[0]).sum())


if __name__ == "__main__":
    sys.exit(main())
