"""How fast worlds are made, which marginals each preset has beside the published ones, and where the Bayes limits lie.

Run `python benchmarks/bench_simulation.py`. Times are CPU seconds of one process. Marginals are means over seeds with their range
(worlds differ: one economy each). Limits are out of time: invoices of the last third of the window. Everything is also written to
`benchmarks/out/simulation.json`.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from riskscore.outcomes import Outcome, observe
from riskscore.positions import compute
from riskscore.simulation import PRESETS, simulate
from riskscore.simulation.delinquency import odds_of_delinquency
from riskscore.simulation.oracle import odds_at_issue
from riskscore.simulation.shapes import SHAPES, sheets_of
from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_of

PUBLISHED = {
    # HighRadius, 37,251 cleared invoices of a processor's SAP.
    "hr_like": {
        "strictly early, %": 36.1,
        "late > 0 days, %": 43.0,
        "late > 15 days, %": 3.9,
        "late > 30 days, %": 2.3,
        "late > 45 days, %": 1.3,
        "late > 60 days, %": 0.54,
        "amount, lower quartile": 4600,
        "amount, median": 17300,
        "amount, upper quartile": 47000,
        "largest customer, % of invoices": 22.0,
    },
    # Payment studies: Europe pays 18 days after terms of 32 (product.md, lesson 10).
    "sme": {"terms, days": 32.0, "paid after due, days (by amount)": 18.0},
    "default": {},
}
"""What the presets imitate. `default` imitates nothing: it is the written law."""


def marginals(world) -> dict[str, float]:
    """Shares count every mature invoice; the amount is in the invoice's currency."""
    truth = world.truth
    billing, payments = truth.billing, truth.payments
    mature = billing.rolled_due + 61 < truth.calendar.n_days
    late = (payments.paid - billing.rolled_due)[mature]
    paid = mature & (payments.paid < truth.calendar.n_days)
    quartiles = np.percentile(truth.cents / 100, [25, 50, 75])
    table = {"strictly early, %": 100 * (late < 0).mean()}
    table |= {f"late > {k} days, %": 100 * (late > k).mean() for k in (0, 15, 30, 45, 60)}
    table |= dict(zip(("amount, lower quartile", "amount, median", "amount, upper quartile"), quartiles, strict=True))
    table |= {
        "largest customer, % of invoices": 100 * np.bincount(billing.customer).max() / len(billing),
        "terms, days": (billing.due - billing.issued)[paid].mean(),
        "paid after due, days (by amount)": np.average((payments.paid - billing.due)[paid], weights=billing.amount[paid]),
        "credited, % of invoices": 100 * len(np.unique(truth.bookings.invoice[truth.bookings.kind == 1])) / len(billing),
        "insolvencies announced, % of customers a year": 100
        * (truth.announced < truth.calendar.n_months).mean()
        / (truth.calendar.n_months / 12),
    }
    return {name: float(value) for name, value in table.items()}


def log_loss(came, chance) -> float:
    chance = np.clip(chance, 1e-9, 1 - 1e-9)
    return float(-(came * np.log(chance) + (1 - came) * np.log1p(-chance)).mean())


def area(came, chance) -> float:
    ranks, n = rankdata(chance), came.sum()
    return float((ranks[came == 1].sum() - n * (n + 1) / 2) / (n * (len(came) - n)))


def limit(came, filtered, latent, name: str) -> dict[str, object]:
    return {
        "of": name,
        "rows": len(came),
        "share": float(came.mean()),
        "prior": log_loss(came, np.full(len(came), came.mean())),
        "filtered": log_loss(came, filtered),
        "latent": log_loss(came, latent),
        "auc_filtered": area(came, filtered),
        "auc_latent": area(came, latent),
    }


def invoice_limits(world) -> list[dict[str, object]]:
    odds = odds_at_issue(world, lateness=(0, 15, 30, 60))
    truth = world.truth
    recent = odds.today >= truth.calendar.month_starts[truth.calendar.n_months * 2 // 3]
    rows = []
    for column, k in enumerate(odds.lateness):
        mature = recent & ~np.isnan(odds.realised[:, column])
        came = odds.realised[mature, column]
        rows.append(limit(came, odds.filtered[mature, column], odds.latent[mature, column], f"invoice late > {k}"))
    first_paid = np.full(len(truth.people), 1 << 40)
    np.minimum.at(first_paid, truth.billing.customer, truth.payments.paid)
    joined_later = truth.people.joined_month[truth.billing.customer] > 0
    cold = joined_later & (first_paid[truth.billing.customer] > truth.billing.issued) & ~np.isnan(odds.realised[:, 0])
    rows.append(limit(odds.realised[cold, 0], odds.filtered[cold, 0], odds.latent[cold, 0], "cold start late > 0"))
    return rows


def customer_limits(world, n_paths: int) -> list[dict[str, object]]:
    ledger = ledger_of(world.tables, "EUR")
    rows = []
    for horizon, dates in ((90, (date(2024, 3, 31), date(2024, 9, 30))), (180, (date(2023, 12, 31), date(2024, 6, 30)))):
        law = Outcome(horizon_days=horizon)
        came, chance, latent = [], [], []
        for as_of in dates:
            seen = odds_of_delinquency(world, as_of, law, n_paths=n_paths)
            hidden = odds_of_delinquency(world, as_of, law, n_paths=n_paths, knowledge="latent")
            who = seen.select(["customer_id", "as_of"])
            outcome = by_id(observe(ledger, who, law, until=world.end_on), "outcome")
            default = by_id(compute(take_snapshot(ledger, who)), "in_default")
            ids = seen["customer_id"].to_pylist()
            keep = np.array([outcome[k] is not None and not default[k] for k in ids])
            came.append(np.array([float(outcome[k] or 0) for k in ids])[keep])
            # Half a path more of each kind: a share of 0 or 1 of the paths is not certainty.
            chance.append((seen["probability"].to_numpy()[keep] * n_paths + 0.5) / (n_paths + 1))
            latent.append((hidden["probability"].to_numpy()[keep] * n_paths + 0.5) / (n_paths + 1))
        name = f"customer delinquent in {horizon} days"
        rows.append(limit(np.concatenate(came), np.concatenate(chance), np.concatenate(latent), name))
    return rows


def by_id(table, column: str) -> dict[str, object]:
    return dict(zip(table["customer_id"].to_pylist(), table[column].to_pylist(), strict=True))


def speed(n_customers: int, n_months: int) -> dict[str, float]:
    stages = {}
    began = time.process_time()
    world = simulate("default", n_customers=n_customers, n_months=n_months, seed=7)
    stages["simulate"] = time.process_time() - began
    for shape in SHAPES:
        began = time.process_time()
        for sheet in sheets_of(world, shape):
            sheet.text()
        stages[f"write {shape}"] = time.process_time() - began
    began = time.process_time()
    odds_at_issue(world)
    stages["oracle of invoices"] = time.process_time() - began
    return {"invoices": float(len(world.truth.billing)), **stages}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--customers", type=int, default=2000)
    asked.add_argument("--months", type=int, default=36)
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--paths", type=int, default=128)
    options = asked.parse_args()
    result: dict[str, object] = {"speed": speed(options.customers, options.months)}
    print(f"{options.customers} customers x {options.months} months, CPU seconds of one process")
    for stage, number in result["speed"].items():
        print(f"  {stage:<24}{number:>12,.2f}")
    for preset in PRESETS:
        worlds = [
            marginals(simulate(preset, n_customers=options.customers, n_months=options.months, seed=k))
            for k in range(options.seeds)
        ]
        print(f"\n{preset:<50}{'mean':>12}{'lowest':>12}{'highest':>12}{'published':>12}")
        for name in worlds[0]:
            values = [table[name] for table in worlds]
            published = PUBLISHED[preset].get(name)
            shown = "" if published is None else f"{published:,.2f}"
            print(f"  {name:<48}{np.mean(values):>12,.2f}{min(values):>12,.2f}{max(values):>12,.2f}{shown:>12}")
        result[preset] = {"marginals": worlds, "published": PUBLISHED[preset]}
    for preset in PRESETS:
        size = options.customers if preset == "default" else options.customers // 2
        world = simulate(preset, n_customers=size, n_months=options.months, seed=7)
        rows = invoice_limits(world) + (customer_limits(world, options.paths) if preset == "default" else [])
        print(f"\n{preset}, {size} customers, out of time: log loss of prior, filter (the Bayes limit) and latent")
        print(f"  {'':<32}{'rows':>9}{'share':>8}{'prior':>8}{'filter':>8}{'latent':>8}{'AUC f':>8}{'AUC l':>8}")
        for row in rows:
            figures = "".join(f"{row[k]:>8.4f}" for k in ("share", "prior", "filtered", "latent", "auc_filtered", "auc_latent"))
            print(f"  {row['of']:<32}{row['rows']:>9,}{figures}")
        result[preset]["limits"] = rows
    out = Path(__file__).parent / "out" / "simulation.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\n{out}")


if __name__ == "__main__":
    main()
