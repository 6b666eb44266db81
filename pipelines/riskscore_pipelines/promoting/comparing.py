"""A proposed version against the champion in force: every check of the gate, on one book, as a comparison ready to be kept."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy.engine import Engine

from riskscore import grades as grading
from riskscore import policy
from riskscore.decisions import Decision
from riskscore.errors import ModelRefused, UsageRefused
from riskscore.evaluation.metrics import Floats
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Params
from riskscore.promotion import (
    Check,
    Evidence,
    GateTerms,
    Parts,
    blast_radius,
    check_parity,
    compare_parts,
    judge_segments,
    population_stability,
)
from riskscore.promotion import compare as checks_of
from riskscore.promotion.gate import check_moves, check_segments, check_stability, level_of
from riskscore.promotion.parts import NEWCOMERS
from riskscore.recipe import Recipe
from riskscore.stores.approvals import Approval, approval_in_force
from riskscore.stores.comparisons import Comparison, comparison_of, look_number
from riskscore.stores.desk import Signed, Told, look_at
from riskscore.stores.gate import gate_terms
from riskscore.stores.ledgers import Book
from riskscore.stores.models import Registry, Version
from riskscore.stores.models.approved import load_of, load_version
from riskscore.stores.models.judged import (
    FILE,
    INVOICES_FILE,
    NEWCOMERS_FILE,
    NO_INVOICES,
    read_judged,
    read_judged_invoices,
)
from riskscore.stores.runs import decide_book
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore.training.gathering import EPOCH
from riskscore_pipelines.promoting.beside import checks_beside
from riskscore_pipelines.promoting.parts import invoices_to_compare, newcomers_to_compare
from riskscore_pipelines.promoting.rows import Compared, Side, rows_to_compare

FORMAT = 1


def compare_version(workplace: Workplace, engine: Engine, name: str, version: str, book: Book, *, told: Told) -> Comparison:
    """Everything the gate asks about a registered version, on this book.

    Raises ModelRefused where the version is not whole, fails its self-test or answers differently alone and in a book;
    UsageRefused where its training is too old to be compared; what opening book and registry raise.
    """
    registry = Registry.of(workplace)
    about = registry.version(name, version)
    told("reading both models", 0, 1)
    challenger = load_version(workplace, name, version)
    recipe = Recipe.model_validate_json(_run_file(registry, about, "recipe.json"))
    approval, champion = _champion(workplace, engine, name)
    terms = gate_terms(workplace, name)
    on = book.last_known_on
    bounds = grading.parse(find_text(f"{name}/grades.toml", workplace.models).read_text(encoding="utf-8"))
    law = find_text("statutes.toml", workplace.models).read_text(encoding="utf-8")
    params = policy.parse(find_text(f"{name}/policy.toml", workplace.models).read_text(encoding="utf-8"), on=on, law=law)
    looked = next((part for bucket in book.buckets() for part in look_at(book, on, bucket)[0]), None)
    report: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "challenger": _said_of(about, challenger),
        "champion": None
        if champion is None or approval is None
        else _said_of(registry.version(name, approval.version), champion),
        "evidence": book.digest,
        "as_of": on.isoformat(),
        "terms": terms.digest,
        "policy": params.digest,
        "grades": bounds.digest,
        "n_asked_alone": check_parity(challenger, looked.features) if looked is not None else 0,
    }
    baseline = checks_beside(about.figures, recipe.baselines)
    if champion is None:
        found: dict[str, Any] = {"basis": "no_champion", "checks": _plain_checks(baseline)}
        verdict = all(check.passed for check in baseline)
    elif champion.digest == challenger.digest:
        found, verdict = {"basis": "same_model", "checks": []}, True
    else:
        look = look_number(engine, name, challenger.digest, champion.digest, book.digest)
        _run_file(registry, about, FILE)
        sides = (
            side_of(registry, champion, None if approval is None else registry.version(name, approval.version)),
            side_of(registry, challenger, about),
        )
        compared = rows_to_compare(book, *sides, recipe, terms=terms, grades=bounds, params=params, told=told)
        parts = compare_parts(
            {**invoices_to_compare(book, *sides, told=told), NEWCOMERS: newcomers_to_compare(compared.newcomers, *sides)}, terms
        )
        found, verdict = _compared(compared, parts, book, on, champion, challenger, bounds, params, terms, look, baseline, told)
    report |= found
    report["verdict"] = "passed" if verdict else "held"
    return comparison_of(
        name, version, challenger.digest, None if champion is None else champion.digest, report["verdict"], _without_nan(report)
    )


def _compared(
    compared: Compared,
    parts: Parts,
    book: Book,
    on: date,
    champion: Model,
    challenger: Model,
    bounds: Grades,
    params: Params,
    terms: GateTerms,
    look: int,
    baseline: list[Check],
    told: Told,
) -> tuple[dict[str, Any], bool]:
    evidence = compared.evidence
    told("comparing on the same rows", 0, 1)
    checks = checks_of(evidence, terms, look=look, parts=parts.answers)
    segments = judge_segments(evidence, evidence.resamples(terms.better.resamples)) if len(evidence) else []
    before, after = (_decisions(book, on, Signed(model, bounds, params), told) for model in (champion, challenger))
    blast = blast_radius(before, after)
    stability = population_stability(_newest(evidence), _spoken_of(after), least=float(terms.steady.psi))
    checks += [*parts.checks, check_segments(segments), check_stability(stability), *baseline, *check_moves(blast, terms)]
    days = evidence.days
    facts = {
        "basis": compared.basis,
        "look": look,
        "level": level_of(terms, look),
        "n_rows": len(evidence),
        "n_left_out": compared.n_left_out,
        "n_customers": evidence.n_customers,
        "n_customers_with_event": evidence.n_customers_with_event,
        "first_on": _day(int(days.min())) if len(days) else None,
        "last_on": _day(int(days.max())) if len(days) else None,
        "earned": [float(side.profit.sum()) for side in (evidence.earned_by_champion, evidence.earned_by_challenger)],
        "used": [float(side.used.sum()) for side in (evidence.earned_by_champion, evidence.earned_by_challenger)],
        "currency": book.reporting_currency,
        "checks": _plain_checks(checks),
        "parts": [asdict(row) for row in parts.rows],
        "segments": [asdict(row) for row in segments],
        "blast": {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(blast).items()},
    }
    return facts, all(check.passed for check in checks)


def _decisions(book: Book, on: date, signed: Signed, told: Told) -> list[Decision]:
    return [decision for part in decide_book(book, on, signed, told=told) for decision in part.decisions]


def _newest(evidence: Evidence) -> Floats:
    return evidence.challenger[evidence.days == evidence.days.max()] if len(evidence) else np.empty(0)


def _spoken_of(decisions: Sequence[Decision]) -> Floats:
    return np.array([decision.chain.pd for decision in decisions if decision.chain is not None])


def _champion(workplace: Workplace, engine: Engine, name: str) -> tuple[Approval | None, Model | None]:
    try:
        approval = approval_in_force(engine, name)
    except ModelRefused:
        return None, None
    return approval, load_of(workplace, approval)


def side_of(registry: Registry, model: Model, version: Version | None) -> Side:
    """A model with what its training said of later months; what its run does not keep is empty."""

    def kept(name: str) -> bytes | None:
        return None if version is None else registry.run_bytes(version.run_id, name)

    customers, newcomers, invoices = (kept(name) for name in (FILE, NEWCOMERS_FILE, INVOICES_FILE))
    return Side(
        model,
        {} if customers is None else read_judged(customers),
        {} if newcomers is None else read_judged(newcomers),
        NO_INVOICES if invoices is None else read_judged_invoices(invoices),
    )


def _run_file(registry: Registry, version: Version, name: str) -> bytes:
    content = registry.run_bytes(version.run_id, name)
    if content is None:
        raise UsageRefused(
            f"{version.name} version {version.version}: its training left no {name}, so it cannot be compared. Train it again."
        )
    return content


def _said_of(version: Version, model: Model) -> dict[str, Any]:
    return {
        "version": version.version,
        "digest": model.digest,
        "run_id": version.run_id,
        "trained_until": model.trained_until,
        "recipe": model.recipe_digest,
    }


def _plain_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    return [asdict(check) for check in checks]


def _without_nan(value: Any) -> Any:
    """The value as JSON can hold it: what is not a finite number is null."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).isoformat()
