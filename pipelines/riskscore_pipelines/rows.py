"""Decisions as rows of the scores file: figures as they are, reasons in words of one language."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from riskscore.decisions import Decision
from riskscore.phrases import Lang, menu_sentences, not_scored_sentence, referral_sentence, sentence
from riskscore.policy import Recommendation
from riskscore.review import Override
from riskscore.stores.scores import COLUMNS, N_REASONS

SEPARATORS: Mapping[Lang, str] = {"en": ". ", "zh": "。"}


def rows_of(
    decisions: Sequence[Decision],
    lang: Lang = "en",
    names: Mapping[str, str | None] | None = None,
    overrides: Mapping[str, Override] | None = None,
) -> pa.Table:
    """The rows of the scores file for these decisions, in their order.

    names: customer to name, where known. overrides: customer to the override that holds on the date, beside what was computed.
    """
    rows = [
        _row(decision, lang, (names or {}).get(decision.customer_id)) | _override((overrides or {}).get(decision.customer_id))
        for decision in decisions
    ]
    return pa.table({column.name: pa.array([row[column.name] for row in rows], column.kind) for column in COLUMNS})


def _row(decision: Decision, lang: Lang, name: str | None) -> dict[str, Any]:
    provenance, recommendation, reasons, case = decision.provenance, decision.recommendation, decision.reasons, decision.case
    referred = decision.referral.reasons if decision.referral else ()
    # A refusal of a natural person is a person's to make, so the file holds no number that would make it.
    proposal = None if "natural_person" in referred else recommendation
    adverse = reasons.adverse if reasons else ()
    favourable = reasons.favourable if reasons else None
    need = {cap.rule: cap.amount for cap in recommendation.caps}.get("need") if recommendation and case else None
    row: dict[str, Any] = {
        **{name: getattr(decision, name) for name in ("customer_id", "as_of", "status", "pd", "pd_low", "pd_high", "score")},
        **{name: getattr(decision, name) for name in ("grade", "data_depth", "exposure", "overdue", "currency", "limit_now")},
        "limit_recommended": proposal and proposal.limit,
        "limit_conservative": proposal and proposal.conservative,
        "limit_aggressive": proposal and proposal.aggressive,
        "binding_cap": proposal and proposal.binding_cap,
        "terms_now": None if decision.terms_now is None else str(decision.terms_now or "prepayment"),
        "terms_recommended": proposal and str(proposal.terms),
        "security_required": proposal and proposal.security_required,
        "favourable_1": favourable and favourable.code,
        "model_digest": provenance.model,
        "policy_digest": provenance.policy,
        "book_digest": provenance.book,
        "decision_id": decision.decision_id,
        "name": name,
        "favourable_1_text": favourable and sentence(favourable, lang, decision.currency),
        "referral_reasons": " ".join(referred) or decision.not_scored_reason,
        "referral_text": _why_not(decision, lang),
        "need": need,
        "expected_profit": proposal and proposal.expected_profit,
        **_terms(proposal, decision.currency, lang),
        "next_review_on": decision.review and decision.review.next_on,
        "review_because": decision.review and " ".join((decision.review.why, *decision.review.triggers)),
        "grace_until": decision.grace_until if proposal else None,
        "unfamiliar": " ".join(decision.unfamiliar) or None,
    }
    for n in range(1, N_REASONS + 1):
        reason = adverse[n - 1] if n <= len(adverse) else None
        row[f"reason_{n}"] = reason and reason.code
        row[f"reason_{n}_text"] = reason and sentence(reason, lang, decision.currency)
    return row


def _override(found: Override | None) -> dict[str, Any]:
    wanted = None if found is None else found.wanted
    closing = None if found is None else found.closing
    return {
        "limit_override": wanted and wanted.limit,
        "terms_override": None if wanted is None or wanted.terms is None else str(wanted.terms),
        "grade_override": wanted and wanted.grade,
        "override_until": wanted and wanted.valid_until,
        "override_by": f"{found.proposed_by} {closing.by}" if found and closing else None,
    }


def _terms(proposal: Recommendation | None, currency: str, lang: Lang) -> dict[str, Any]:
    """The columns about terms: what is offered, what comes next, where the choice flips, and who allows no longer ones."""
    menu = proposal.menu if proposal else None
    return {
        "longest_terms": proposal and str(proposal.longest_terms),
        "binding_term": proposal and proposal.binding_term.rule,
        "terms_option": menu and menu.best.option,
        "terms_value": menu and menu.best.expected_value,
        "terms_runner_up": menu and menu.runner_up and menu.runner_up.option,
        "terms_runner_up_value": menu and menu.runner_up and menu.runner_up.expected_value,
        "terms_flip_pd": menu and menu.flips_above and float(menu.flips_above.pd),
        "terms_flip_to": menu and menu.flips_above and menu.flips_above.option,
        "terms_text": menu and SEPARATORS[lang].join(menu_sentences(menu, lang, currency)),
    }


def _why_not(decision: Decision, lang: Lang) -> str | None:
    if decision.not_scored_reason:
        return not_scored_sentence(decision.not_scored_reason, lang)
    reasons = decision.referral.reasons if decision.referral else ()
    return SEPARATORS[lang].join(referral_sentence(reason, lang) for reason in reasons) or None
