"""From a book and its decisions to the facts of a report."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from riskscore.decisions import Decision, Provenance
from riskscore.phrases import Lang, menu_sentences, not_scored_sentence, referral_sentence, rule_name, sentence, terms_sentence
from riskscore.policy import Params, Recommendation
from riskscore.policy.unmeasured import Denials
from riskscore.portfolio import AGEING, DsoRule, Portfolio, dso_alert, take_portfolio_and_ageing
from riskscore.promotion.drift import Drift
from riskscore.stores.ledgers import Book
from riskscore.stores.ledgers.quarantine import read_quarantine
from riskscore_pipelines.reporting.facts import Ageing, Concentration, Delivery, Dso, Family, Quality, Report, Scored

N_MONTHS = 12
N_QUARTERS = 8
DSO_RULE: DsoRule = "each"
ZERO = Decimal(0)


@dataclass(frozen=True)
class Standing:
    """The book at the date, before anybody was scored: the portfolio, its months, and what was delivered and set aside.

    quiet_since: the book's last known day where that is before the date; null where it is not.
    """

    portfolio: Portfolio
    ageing: tuple[Ageing, ...]
    countries: Mapping[str, str]
    deliveries: tuple[Delivery, ...]
    quiet_since: date | None = None


def standing_of(book: Book, as_of: date, *, cap: Decimal) -> Standing:
    """The book at the date. cap: the largest share of the receivables that one family may owe (the policy's)."""
    ends = [*month_ends_before(as_of, N_MONTHS - 1), as_of]
    portfolio, series = take_portfolio_and_ageing(
        (book.ledger(bucket=bucket) for bucket in book.buckets()), as_of, ends, n_quarters=N_QUARTERS, cap=cap
    )
    months = {row["as_of"]: tuple(row[name] for name in AGEING) for row in series.to_pylist()}
    empty = (ZERO,) * len(AGEING)
    return Standing(
        portfolio=portfolio,
        ageing=tuple(Ageing(end, months.get(end, empty)) for end in ends),
        countries=_countries(book, as_of),
        deliveries=_deliveries(book),
        quiet_since=book.last_known_on if book.last_known_on < as_of else None,
    )


def month_ends_before(as_of: date, n: int) -> list[date]:
    """The last n month ends before the date, oldest first.

    >>> month_ends_before(date(2025, 3, 31), 2)
    [datetime.date(2025, 1, 31), datetime.date(2025, 2, 28)]
    """
    ends = []
    last = as_of.replace(day=1) - timedelta(days=1)
    for _ in range(n):
        ends.append(last)
        last = last.replace(day=1) - timedelta(days=1)
    return ends[::-1]


def report_of(
    standing: Standing,
    decisions: Sequence[Decision],
    lang: Lang,
    *,
    horizon_days: int,
    single_buyer_cap: float,
    quality: Quality | None,
    provenance: Provenance,
    params: Params,
    drift: Drift | None = None,
) -> Report:
    """The facts in the words of one language."""
    portfolio, denials = standing.portfolio, Denials()
    for decision in decisions:
        denials.add(decision.recommendation, is_graded=decision.grade is not None)
    return Report(
        as_of=portfolio.as_of,
        currency=portfolio.currency,
        horizon_days=horizon_days,
        customers=scored_lines(standing, decisions, lang),
        ageing=standing.ageing,
        dso=_dso(portfolio),
        concentration=_concentration(portfolio, single_buyer_cap),
        quality=quality,
        deliveries=standing.deliveries,
        provenance=_provenance(provenance),
        unmeasured=denials.unmeasured(params),
        drift=drift,
        quiet_since=standing.quiet_since,
    )


def scored_lines(standing: Standing, decisions: Sequence[Decision], lang: Lang) -> list[Scored]:
    """One line a decision, with the name, the country and the oldest ageing bucket that the portfolio knows."""
    known = {row["customer_id"]: row for row in standing.portfolio.by_customer.to_pylist()}
    return [_line(decision, known.get(decision.customer_id, {}), standing.countries, lang) for decision in decisions]


def _line(decision: Decision, known: Mapping[str, Any], countries: Mapping[str, str], lang: Lang) -> Scored:
    referred = decision.referral.reasons if decision.referral else ()
    # A refusal of a natural person is a person's to make: the report holds no limit that would make it.
    proposal = None if "natural_person" in referred else decision.recommendation
    terms_now = "" if decision.terms_now is None else terms_sentence(decision.terms_now, lang)
    return Scored(
        customer_id=decision.customer_id,
        name=known.get("name") or decision.customer_id,
        country=countries.get(decision.customer_id, ""),
        status=decision.status,
        grade=decision.grade,
        pd=decision.pd,
        pd_low=decision.pd_low,
        pd_high=decision.pd_high,
        score=decision.score,
        data_depth=decision.data_depth or "",
        exposure=decision.exposure or ZERO,
        overdue=decision.overdue or ZERO,
        oldest=next((name for name in reversed(AGEING) if known.get(name, ZERO) > 0), AGEING[0]),
        limit_now=decision.limit_now,
        limit=None if proposal is None else proposal.limit,
        terms_now=terms_now,
        terms="" if proposal is None else capitalized(terms_sentence(proposal.terms, lang)),
        terms_next=_next_best(proposal, decision.currency, lang),
        binding_cap="" if proposal is None else capitalized(rule_name(proposal.binding_cap, lang)),
        reasons=_reasons(decision, referred, lang),
    )


def _next_best(proposal: Recommendation | None, currency: str, lang: Lang) -> str:
    """The runner-up among the terms, and what it earns less; nothing where no other may be offered."""
    menu = proposal.menu if proposal else None
    return "" if menu is None or menu.runner_up is None else menu_sentences(menu, lang, currency)[1]


def capitalized(words: str) -> str:
    """The words as they begin a cell."""
    return words[:1].upper() + words[1:]


def _reasons(decision: Decision, referred: Sequence[str], lang: Lang) -> tuple[str, ...]:
    said = [sentence(reason, lang, decision.currency) for reason in (decision.reasons.adverse if decision.reasons else ())]
    said += [referral_sentence(reason, lang) for reason in referred]
    if decision.not_scored_reason:
        said.append(not_scored_sentence(decision.not_scored_reason, lang))
    return tuple(said)


def _countries(book: Book, as_of: date) -> dict[str, str]:
    rows = book.tables()["customers"].select(["customer_id", "country", "known_on"]).sort_by("known_on").to_pylist()
    return {row["customer_id"]: row["country"] for row in rows if row["country"] and row["known_on"] <= as_of}


def _dso(portfolio: Portfolio) -> tuple[Dso, ...]:
    series = [quarter.dso for quarter in portfolio.quarters]
    return tuple(
        Dso(
            on=quarter.ends_on,
            days=None if quarter.dso is None else float(quarter.dso),
            best_possible=None if quarter.best_possible_dso is None else float(quarter.best_possible_dso),
            alert=dso_alert(series[: index + 1], rule=DSO_RULE),
        )
        for index, quarter in enumerate(portfolio.quarters)
    )


def _concentration(portfolio: Portfolio, cap: float) -> Concentration:
    facts = portfolio.concentration
    whole = facts.receivables
    rows = [row for row in portfolio.by_family.to_pylist() if row["balance"] > 0]
    families = tuple(
        Family(row["name"] or row["family_id"], row["n_customers"], row["balance"], float(row["balance"] / whole)) for row in rows
    )
    return Concentration(
        families=families,
        n_families=len(families),
        top_10_share=float(facts.top_share or 0),
        herfindahl=float(facts.herfindahl or 0),
        single_buyer_cap=cap,
        lorenz=_lorenz([family.share for family in families]),
    )


def _lorenz(shares: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Share of families against share of exposure, the smallest first; a hundred points say it as well as thousands."""
    rising = sorted(shares)
    points = [(0.0, 0.0)]
    held = 0.0
    for count, share in enumerate(rising, 1):
        held += share
        points.append((count / len(rising), min(held, 1.0)))
    step = max(1, len(points) // 100)
    kept = points[::step]
    return tuple(kept if kept[-1] == points[-1] else [*kept, points[-1]])


def _deliveries(book: Book) -> tuple[Delivery, ...]:
    """Per table what was delivered and what became of it, over all sources of the book; tables without a source are left out."""
    sources: dict[str, list[Mapping[str, Any]]] = {}
    for source in book.manifest["sources"]:
        sources.setdefault(source["table"], []).append(source)
    reasons: dict[str, Counter[str]] = {}
    for table, reason in zip(*(read_quarantine(book)[name].to_pylist() for name in ("table", "reason")), strict=True):
        reasons.setdefault(table, Counter())[reason] += 1
    return tuple(
        Delivery(
            table=table,
            rows_in=sum(source["rows"] for source in found),
            accepted=sum(source["accepted"] for source in found),
            duplicates=sum(source["exact_duplicates"] for source in found),
            quarantined=dict(sorted(reasons.get(table, Counter()).items())),
            money_quarantined=_summed(source["money_quarantined"] for source in found),
        )
        for table, found in sorted(sources.items())
    )


def _summed(parts: Iterable[Mapping[str, str]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for part in parts:
        for currency, amount in part.items():
            sums[currency] = sums.get(currency, ZERO) + Decimal(amount)
    return {currency: amount for currency, amount in sorted(sums.items()) if amount}


def _provenance(made: Provenance) -> dict[str, str]:
    parts = {"book": made.book, "model": made.model, "recipe": made.recipe, "policy": made.policy, "catalogue": made.catalogue}
    return {name: value for name, value in {**parts, "run": made.run_id, "code": made.code}.items() if value}
