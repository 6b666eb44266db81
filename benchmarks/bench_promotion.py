"""How often the gate lets through a version that is no better, and how often one that is.

Run `python benchmarks/bench_promotion.py [--trials 500] [--customers 1500] [--trainings 8]`; it takes about four CPU minutes and
writes `benchmarks/out/promotion.json`.

Simulated: customers with a hidden risk and six quarterly outcomes each; both models see the risk with noise of their own. A
challenger with as much noise is no better (A/A). Both are also asked about four invoices of every customer, of which the
challenger never knows more: customers and invoices are two ways through the gate, and a false promotion by either counts. Bars:
at most 5 % of those pass, in one look and in weekly looks (by customers) for half a year while outcomes arrive; at least 80 %
pass that gain the stated share of the champion's log loss. Trained: pairs of models of one recipe, each learned from a bootstrap
of the same simulated customers, compared on later months.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
from scipy.special import expit

from riskscore import grades, policy, recipe
from riskscore.promotion import Earned, Evidence, PartEvidence, Trades, compare, compare_parts, earned, parse
from riskscore.promotion.gate import check_gain
from riskscore.stores.signed_texts import find_text

OUT = Path(__file__).parent / "out"
TERMS = parse(find_text("late_payment/gate.toml").read_text(encoding="utf-8"))
BOUNDS = grades.parse(find_text("late_payment/grades.toml").read_text(encoding="utf-8"))
PARAMS = policy.parse(find_text("late_payment/policy.toml").read_text(encoding="utf-8"), on=date(2026, 6, 30))
N_DATES = 6
N_INVOICES = 4
NOISE = 0.6
RESAMPLES = 200
N_WEEKS = 26
EFFECTS = (0.01, 0.02, 0.03)
STATED = 0.03
BAR_FALSE, BAR_POWER = 0.05, 0.80


def trades(demand: np.ndarray) -> Trades:
    """Customers with that mean demand, 40 days until the money comes, at the policy's numbers."""
    n = len(demand)
    return Trades(
        demand=demand, spread=np.full(n, 0.5), days_outstanding=np.full(n, 40.0), need=demand,
        lgd=np.full(n, float(PARAMS.loss_given_default)),
        margin=float(PARAMS.profit_margin), capital_cost=float(PARAMS.profit_capital_cost),
        drawn_share=float(PARAMS.profit_drawn_before_default),
    )  # fmt: skip


def evidence(random: np.random.Generator, n: int, noise: float) -> Evidence:
    """n customers at `N_DATES` dates; a customer's risk lasts, so its rows are alike; noise: of the challenger, in log-odds."""
    risk = random.normal(-2.4, 1.2, n)
    who = np.repeat(np.arange(n), N_DATES)
    now = risk[who] + random.normal(0, 0.4, len(who))
    outcome = (random.random(len(who)) < expit(now)).astype(float)
    said = []
    for spread in (NOISE, noise):
        lasting, passing = random.normal(0, spread * 0.8, n), random.normal(0, spread * 0.6, len(who))
        said.append(expit(now + lasting[who] + passing - 0.3 * spread**2))
    traded = trades(random.lognormal(10, 1.2, n)[who])
    money = [earned(traded, pd, outcome, BOUNDS, PARAMS) for pd in said]
    return Evidence(
        customers=who.astype(np.int64), days=np.tile(90 * np.arange(N_DATES), n).astype(np.int64), outcome=outcome,
        champion=said[0], challenger=said[1], earned_by_champion=money[0], earned_by_challenger=money[1], segments={},
    )  # fmt: skip


def until(whole: Evidence, share: float, random: np.random.Generator) -> Evidence:
    """What had matured of the evidence when a share of it had: the same rows and more at every later look."""
    order = random.permutation(len(whole))
    kept = np.sort(order[: int(share * len(whole))])
    return Evidence(
        customers=whole.customers[kept], days=whole.days[kept], outcome=whole.outcome[kept], champion=whole.champion[kept],
        challenger=whole.challenger[kept], earned_by_champion=taken(whole.earned_by_champion, kept),
        earned_by_challenger=taken(whole.earned_by_challenger, kept), segments={},
    )  # fmt: skip


def taken(money: Earned, kept: np.ndarray) -> Earned:
    return Earned(money.profit[kept], money.used[kept])


def invoices(random: np.random.Generator, n: int) -> dict[str, PartEvidence]:
    """Invoices of n customers, whether late at all, and more than 30 days late; neither side sees more than the other."""
    who = np.repeat(np.arange(n), N_INVOICES)
    asked = {}
    for k, level in ((0, -0.2), (30, -2.6)):
        risk = random.normal(level, 1.0, n)[who]
        said = [expit(risk + random.normal(0, NOISE / 2, len(who))) for _ in ("champion", "challenger")]
        outcome = (random.random(len(who)) < expit(risk)).astype(float)
        asked[f"hazard/late_{k}"] = PartEvidence(who.astype(np.int64), outcome, *said, np.zeros(len(who), dtype=bool))
    return asked


def passes(found: Evidence, asked: dict[str, PartEvidence] | None = None) -> dict[str, bool]:
    quick = TERMS.model_copy(update={"better": TERMS.better.model_copy(update={"resamples": RESAMPLES})})
    parts = compare_parts(asked or {}, quick)
    checks = [*compare(found, quick, look=1, parts=parts.answers), *parts.checks]
    return {check.name: check.passed for check in checks}


def one_look(n_trials: int, n: int, noise: float, seed: int) -> dict[str, float]:
    """Share of trials that pass every check, that gain by customers, and by invoices where not by customers; the mean gain."""
    every = alone = by_invoices = 0
    gains = []
    for trial in range(n_trials):
        random = np.random.default_rng([seed, trial])
        found = evidence(random, n, noise)
        verdict = passes(found, invoices(np.random.default_rng([seed, trial, 2]), n))
        every += all(verdict.values())
        alone += verdict.get("gain", False)
        by_invoices += verdict.get("hazard_gain", False)
        gains.append(check_gain(found, TERMS, found.resamples(300).weights[:3], look=1).value)
    return {
        "passed": every / n_trials,
        "gain_shown": alone / n_trials,
        "by_invoices": by_invoices / n_trials,
        "mean_gain": float(np.mean(gains)),
    }


def weekly(n_trials: int, n: int, seed: int) -> dict[str, float]:
    """Share of worthless challengers that pass in any of the weekly looks: as the gate counts them, and as if nobody counted."""
    paid = free = 0
    free_terms = TERMS.model_copy(update={"better": TERMS.better.model_copy(update={"level": 0.10, "least_gain": 0})})
    for trial in range(n_trials):
        random = np.random.default_rng([seed, trial])
        whole = evidence(random, n, NOISE)
        weights = whole.resamples(RESAMPLES).weights
        order = np.random.default_rng([seed, trial, 1])
        state = order.bit_generator.state
        seen_paid = seen_free = False
        for week in range(1, N_WEEKS + 1):
            order.bit_generator.state = state  # the same order of arrival at every look
            so_far = until(whole, 0.3 + 0.7 * week / N_WEEKS, order)
            seen_paid |= check_gain(so_far, TERMS, weights, look=week).passed
            seen_free |= check_gain(so_far, free_terms, weights, look=1).passed
        paid, free = paid + seen_paid, free + seen_free
    return {"passed": paid / n_trials, "passed_if_each_look_cost_nothing": free / n_trials}


def noise_for(gain: float, n: int) -> float:
    """The challenger's noise at which it gains that share of the champion's log loss in the long run, by bisection."""
    low, high = 0.0, NOISE
    for _ in range(18):
        middle = (low + high) / 2
        found = evidence(np.random.default_rng(99), 20 * n, middle)
        value = check_gain(found, TERMS, np.ones((3, 20 * n)), look=1).value
        low, high = (middle, high) if value > gain else (low, middle)
    return (low + high) / 2


def trained(n_pairs: int) -> dict[str, float]:
    """Pairs of models learned from two bootstraps of the same customers, compared on later months with every check."""
    from riskscore.model.rows import Rows
    from riskscore.simulation import simulate
    from riskscore.stores.engines import ledger_of
    from riskscore.training import gather
    from riskscore.training.judging import walk_forward
    from riskscore.training.learning import chosen_features

    plain = recipe.parse(find_text("late_payment/recipe.toml").read_text(encoding="utf-8"))
    one_block = plain.model_copy(update={"cuts": plain.cuts.model_copy(update={"folds": 1, "fold_months": 6})})
    world = simulate("default", n_customers=800, n_months=36, seed=21)
    rows = gather([ledger_of(dict(world.tables), "EUR")], plain, until=world.end_on).rows
    judged_days = np.unique(rows.days)[-6:]
    early = rows.days < judged_days[0]
    n_passed = 0
    for pair in range(n_pairs):
        said = []
        for side in (0, 1):
            random = np.random.default_rng([31, pair, side])
            drawn = random.integers(0, rows.n_customers, rows.n_customers)
            copies = np.bincount(drawn, minlength=rows.n_customers)[rows.customers]
            places = np.sort(np.concatenate([np.repeat(np.flatnonzero(early), copies[early]), np.flatnonzero(~early)]))
            resampled = Rows(rows.features.take(places), rows.outcome[places])
            said.append(walk_forward(resampled, chosen_features(plain), one_block))
        later = said[0].rows
        flat = trades(np.full(len(later), 1e5))
        pds = [each.pd["uncalibrated"] for each in said]
        money = [earned(flat, pd, later.outcome, BOUNDS, PARAMS) for pd in pds]
        found = Evidence(
            np.unique(later.customers, return_inverse=True)[1].astype(np.int64), later.days, later.outcome, *pds, *money, {}
        )
        n_passed += all(passes(found).values())
    return {"pairs": n_pairs, "passed": n_passed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--trainings", type=int, default=8)
    wanted = parser.parse_args()
    began = time.process_time()
    n = wanted.customers
    result: dict[str, object] = {"trials": wanted.trials, "customers": n}
    nothing = one_look(wanted.trials, n, NOISE, seed=1)
    print(
        f"{wanted.trials} challengers that are no better, {n} customers: {nothing['passed']:.1%} pass (bar: {BAR_FALSE:.0%}); "
        f"{nothing['gain_shown']:.1%} seem better by customers, {nothing['by_invoices']:.1%} by invoices",
        flush=True,
    )
    peeking = weekly(wanted.trials, n, seed=2)
    print(
        f"looked at weekly for {N_WEEKS} weeks: {peeking['passed']:.1%} pass at some time (bar: {BAR_FALSE:.0%}); at 5 % a look, "
        f"unpaid, {peeking['passed_if_each_look_cost_nothing']:.1%} would",
        flush=True,
    )
    power = {}
    for gain in EFFECTS:
        power[gain] = one_look(max(wanted.trials // 4, 50), n, noise_for(gain, n), seed=3)
        print(f"challengers that gain {gain:.1%} of the log loss: {power[gain]['passed']:.1%} pass", flush=True)
    print(f"stated effect {STATED:.0%}: {power[STATED]['passed']:.1%} pass (bar: {BAR_POWER:.0%})")
    pairs = trained(wanted.trainings)
    print(f"{pairs['pairs']} pairs trained on bootstraps of the same customers: {pairs['passed']} pass")
    result |= {
        "no_better": nothing,
        "weekly": peeking,
        "power": power,
        "trained": pairs,
        "cpu_seconds": time.process_time() - began,
    }
    met = nothing["passed"] <= BAR_FALSE and peeking["passed"] <= BAR_FALSE and power[STATED]["passed"] >= BAR_POWER
    print(f"{'every bar met' if met else 'A BAR WAS MISSED'}; {result['cpu_seconds']:.0f} CPU s")
    OUT.mkdir(exist_ok=True)
    (OUT / "promotion.json").write_text(json.dumps(result, indent=1))
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
