"""What there is to tell about one decision, in words and figures of one language; terminal and page show the same."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from riskscore.decisions import Chain, Decision
from riskscore.grades import ANCHOR_ODDS, ANCHOR_SCORE, HIGHEST, LOWEST, POINTS_TO_DOUBLE
from riskscore.phrases import (
    Lang,
    cap_sentence,
    code_name,
    day,
    grace_sentence,
    headings,
    menu_sentences,
    money,
    not_scored_sentence,
    number,
    percent,
    referral_sentence,
    review_sentence,
    rule_name,
    sentence,
    status_name,
    term_cap_sentence,
    terms_sentence,
    word,
)
from riskscore.phrases.terms import COMMA
from riskscore.reasons import NEVER_SHOWN, Reason

POINTS = POINTS_TO_DOUBLE / math.log(2)
"""Score points of one unit of log-odds."""

MOST_FACTORS = 8
LEAST_POINTS = 4.0
"""Smaller factors stand together in one row, and with them what is never shown: calendar and terms."""

DASH = "–"


@dataclass(frozen=True)
class ReasonRow:
    """One reason: the sentence, its code, what it did to the score in points, its share of what pulls the same way."""

    says: str
    code: str
    points: str
    share: str


@dataclass(frozen=True)
class Step:
    """One step of the score: from `start` to `end` in points; `change` in words. A step without change is a level."""

    label: str
    code: str
    start: float
    end: float
    change: str
    level: str


@dataclass(frozen=True)
class CapRow:
    """What one rule allows: in words, as money, and as a share of the largest cap shown, for a bar."""

    rule: str
    amount: str
    because: str
    share: float
    binds: bool


@dataclass(frozen=True)
class Explanation:
    """Everything a person is told about one decision.

    headline, chain, made_with: label and figure. notes: why a person has to look, and what the training never saw. terms: what
    the menu of terms holds for this customer and who allows no longer ones.
    """

    lang: Lang
    title: str
    as_of: str
    headline: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    adverse: tuple[ReasonRow, ...]
    favourable: ReasonRow | None
    steps: tuple[Step, ...]
    caps: tuple[CapRow, ...]
    terms: tuple[str, ...]
    chain: tuple[tuple[str, str], ...]
    made_with: tuple[tuple[str, str], ...]

    def say(self, key: str, **facts: str) -> str:
        """A heading in its language."""
        return word(key, self.lang, **facts)


def explanation_of(decision: Decision, name: str | None, lang: Lang) -> Explanation:
    """What to tell about that decision. name: the customer's, where known; else its id stands for it."""
    reasons = decision.reasons
    return Explanation(
        lang=lang,
        title=f"{name} ({decision.customer_id})" if name else decision.customer_id,
        as_of=word("as_of", lang, on=day(decision.as_of, lang)),
        headline=_headline(decision, lang),
        notes=_notes(decision, lang),
        adverse=tuple(_reason(each, decision.currency, lang) for each in (reasons.adverse if reasons else ())),
        favourable=_reason(reasons.favourable, decision.currency, lang) if reasons and reasons.favourable else None,
        steps=_steps(decision, lang),
        caps=_caps(decision, lang),
        terms=_terms(decision, lang),
        chain=_chain(decision, lang),
        made_with=_made_with(decision, lang),
    )


def _headline(decision: Decision, lang: Lang) -> tuple[tuple[str, str], ...]:
    def amount(value: Decimal | None) -> str:
        return DASH if value is None else money(value, decision.currency, lang)

    rows = [("status", status_name(decision.status, lang))]
    if decision.pd is not None and decision.pd_low is not None and decision.pd_high is not None:
        low, middle, high = (percent(each, lang) for each in (decision.pd_low, decision.pd, decision.pd_high))
        rows += [
            ("score", str(decision.score)),
            ("grade", word("grade_withheld", lang) if decision.grade is None else str(decision.grade)),
            ("pd", middle if low == high else word("pd_interval", lang, pd=middle, low=low, high=high)),
        ]
    rows += [
        ("data_depth", decision.data_depth or DASH),
        ("exposure", amount(decision.exposure)),
        ("overdue", amount(decision.overdue)),
        ("limit_now", amount(decision.limit_now)),
    ]
    given = decision.recommendation
    if given is not None:
        pair = word("limit_pair", lang, conservative=amount(given.conservative), aggressive=amount(given.aggressive))
        now = decision.terms_now
        rows += [
            ("limit", f"{amount(given.limit)} · {pair}"),
            ("terms_now", DASH if now is None else terms_sentence(now or "prepayment", lang)),
            ("terms", terms_sentence(given.terms, lang, security_required=given.security_required)),
            ("expected_profit", amount(given.expected_profit)),
        ]
    if decision.review is not None:
        rows.append(("review", review_sentence(decision.review, lang)))
    if decision.grace_until is not None:
        rows.append(("cut", grace_sentence(decision.grace_until, lang)))
    return tuple((word(key, lang), value) for key, value in rows)


def _notes(decision: Decision, lang: Lang) -> tuple[str, ...]:
    notes = []
    if decision.referral:
        notes = [word("proposal", lang), *(referral_sentence(reason, lang) for reason in decision.referral.reasons)]
    if decision.not_scored_reason:
        notes.append(not_scored_sentence(decision.not_scored_reason, lang))
    before = decision.before
    if before is not None and before.says is not None and decision.grade is not None and before.says < decision.grade:
        notes.append(word("grade_kept", lang, grade=str(decision.grade), says=str(before.says)))
    if decision.unfamiliar:
        notes.append(word("unfamiliar", lang, features=COMMA[lang].join(headings(decision.unfamiliar, lang))))
    return tuple(notes)


def _reason(reason: Reason, currency: str, lang: Lang) -> ReasonRow:
    return ReasonRow(
        sentence(reason, lang, currency),
        reason.code,
        word("points", lang, points=_signed(-reason.contribution * POINTS, lang)),
        word("share", lang, share=percent(reason.share, lang)),
    )


def _steps(decision: Decision, lang: Lang) -> tuple[Step, ...]:
    """From the average customer to this one, in score points, every step exact; small factors share a row."""
    if decision.chain is None or decision.reasons is None or decision.score is None:
        return ()
    chain = decision.chain
    by_code = {code: -added * POINTS for code, added in decision.reasons.by_code.items()}
    large = [code for code in by_code if abs(by_code[code]) >= LEAST_POINTS and code not in NEVER_SHOWN]
    shown = sorted(large, key=lambda code: -abs(by_code[code]))[:MOST_FACTORS]
    rest = math.fsum(by_code[code] for code in by_code if code not in shown)
    calibrated = _points(math.log(chain.pd / (1 - chain.pd))) if 0 < chain.pd < 1 else _points(chain.log_odds + chain.level)
    moves = [(code_name(code, lang), code, by_code[code]) for code in shown]
    moves.append((word("rest", lang, n=str(len(by_code) - len(shown))), "", rest))
    levelled = _points(chain.log_odds + chain.level)
    moves.append((word("level", lang), "", levelled - _points(chain.log_odds)))
    moves.append((word("calibration", lang), "", calibrated - levelled))
    clipped = min(max(calibrated, LOWEST), HIGHEST)
    moves.append((word("clipped", lang), "", clipped - calibrated))
    if decision.case is not None and decision.case.in_default:
        moves.append((word("observed", lang), "", LOWEST - clipped))
    at = _points(chain.base)
    steps = [Step(word("average", lang), "", at, at, "", _whole(at, lang))]
    for label, code, change in moves:
        if abs(change) >= 0.5 or code:
            steps.append(Step(label, code, at, at + change, _signed(change, lang), _whole(at + change, lang)))
        at += change
    return (*steps, Step(word("this", lang), "", at, at, "", str(decision.score)))


def _caps(decision: Decision, lang: Lang) -> tuple[CapRow, ...]:
    given = decision.recommendation
    if given is None:
        return ()
    # A cap far above the need says only "not here": the need, or the limit above it, is the whole bar.
    need = next((cap.amount for cap in given.caps if cap.rule == "need"), Decimal(0))
    whole = max(need, given.binding.amount, Decimal(1))
    return tuple(
        CapRow(
            rule_name(cap.rule, lang),
            money(cap.amount, decision.currency, lang),
            cap_sentence(cap, lang, decision.currency),
            float(min(max(cap.amount, Decimal(0)) / whole, Decimal(1))),
            cap.rule == given.binding_cap,
        )
        for cap in sorted(given.caps, key=lambda cap: cap.amount)
    )


def _terms(decision: Decision, lang: Lang) -> tuple[str, ...]:
    given = decision.recommendation
    if given is None:
        return ()
    priced = () if given.menu is None else menu_sentences(given.menu, lang, decision.currency)
    return (*priced, term_cap_sentence(given.binding_term, lang))


def _chain(decision: Decision, lang: Lang) -> tuple[tuple[str, str], ...]:
    chain = decision.chain
    rows: list[tuple[str, str]] = []
    if chain is None:
        rows.append((word("log_odds", lang), word("not_reached", lang)))
    else:
        rows += _odds(chain, lang)
    if decision.case is not None and decision.case.in_default:
        rows.append((word("in_default", lang), "100%"))
    if decision.score is not None:
        rows.append((word("score", lang), str(decision.score)))
        rows.append((word("grade", lang), word("grade_withheld", lang) if decision.grade is None else str(decision.grade)))
    given = decision.recommendation
    if given is not None:
        rows.append(
            (word("limit", lang), f"{money(given.limit, decision.currency, lang)} ({rule_name(given.binding_cap, lang)})")
        )
        rows.append((word("terms", lang), terms_sentence(given.terms, lang)))
    return tuple(rows)


def _odds(chain: Chain, lang: Lang) -> list[tuple[str, str]]:
    added = math.fsum(chain.contributions.values())
    level = [(word("level", lang), _exact(chain.level))] if chain.level else []
    return [
        (word("base", lang), _exact(chain.base)),
        (word("contributions", lang, n=str(len(chain.contributions))), _exact(added)),
        (word("log_odds", lang), _exact(chain.log_odds)),
        *level,
        (word("calibrated", lang), f"{percent(chain.pd, lang)} ({percent(chain.pd_low, lang)} – {percent(chain.pd_high, lang)})"),
    ]


def _made_with(decision: Decision, lang: Lang) -> tuple[tuple[str, str], ...]:
    made: dict[str, Any] = decision.provenance.manifest
    names = ("book", "model", "recipe", "policy", "grades", "catalogue", "code")
    rows = [(word(f"digest_{name}", lang), made[name] or DASH) for name in names]
    return (*rows, (word("digest_decision", lang), decision.decision_id))


def _points(log_odds: float) -> float:
    return ANCHOR_SCORE - POINTS * (log_odds + math.log(ANCHOR_ODDS))


def _exact(log_odds: float) -> str:
    """With nine digits, so that anyone can add it up, and a true minus as in the rest of the page."""
    return f"{log_odds:+.9f}".replace("-", "−")


def _signed(points: float, lang: Lang) -> str:
    return ("+" if round(points) > 0 else "−" if round(points) < 0 else "±") + number(abs(round(points)), lang)


def _whole(points: float, lang: Lang) -> str:
    return number(round(points), lang)
