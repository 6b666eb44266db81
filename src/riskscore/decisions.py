"""The record of a decision: the whole chain to the answer and what it was made with, as the same bytes for ever."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from riskscore.policy import Cap, Case, Flip, Menu, Offer, Recommendation, Review, Signs, TermCap
from riskscore.reasons import Reason, Reasons, Value

RECORD_VERSION = 2

LATER_FACTS = frozenset({"insurer_days", "insurer"})
"""Facts that a case did not always have: recorded only where they are known, so that older records keep their bytes."""

LATER_PARTS = frozenset({"doubt", "before", "about"})
"""Parts that a manifest did not always have."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""What JSON holds as it is."""

Status = Literal["scored", "referred", "not_scored"]

REFERRAL_REASONS = (
    "model_unavailable", "stale_book", "run_held",
    "no_payment_history", "no_model", "no_probability", "wide_interval", "thin_history", "natural_person",
)  # fmt: skip
"""Why a person has to look: see `riskscore.scoring` for when, and the phrases for the words."""

Doubt = Literal["model_unavailable", "stale_book", "run_held"]
"""Why all of a run is referred: an approved model cannot be asked; the book is too old; the run over it waits for two people."""

NOT_SCORED_REASONS = ("internal_error", "non_finite_feature")
"""Why a customer has no answer at all."""


@dataclass(frozen=True)
class Provenance:
    """What a run of decisions was made with. Equal provenance and equal customer give equal bytes.

    Digests are SHA-256. book: the ledger's content. model: null where every customer is referred for want of one. recipe: what
    the model was learned by. policy, grades: the signed texts. catalogue: the features and their meanings. code: the product's
    version and sources. doubt: why nothing of it may be approved; null where there is no doubt. before: the run whose grades
    these were kept against; null without one. about: `applicants` where each was decided when it asked and is in no book: they
    are a run of their own, so that a run over the book holds the book's customers and nobody else; null: the book's customers.
    """

    as_of: date
    book: str
    model: str | None
    recipe: str | None
    policy: str
    grades: str
    catalogue: str
    code: str
    doubt: Doubt | None = None
    statutes: str | None = None
    before: str | None = None
    about: Literal["applicants"] | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """The run's manifest: every part by name.

        What came later only where there is any, so that older run ids stay what they were.
        """
        parts = {name: value for name, value in asdict(self).items() if name not in LATER_PARTS or value is not None}
        return {"version": RECORD_VERSION, **parts, "as_of": self.as_of.isoformat()}

    @cached_property
    def run_id(self) -> str:
        """SHA-256 of the manifest as canonical JSON."""
        return hashlib.sha256(canonical_bytes(self.manifest)).hexdigest()

    def decision_id(self, customer_id: str) -> str:
        """The id of that customer's decision in this run: 32 hex digits, the same whenever it is made."""
        return hashlib.sha256(f"{self.run_id}\0{customer_id}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Referral:
    """A person has to look. reasons: codes of `REFERRAL_REASONS`, in that order; at least one."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What an applicant asked for. limit: in the reporting currency; terms: days of credit, null where any will do."""

    limit: Decimal
    terms: int | None = None


@dataclass(frozen=True)
class Chain:
    """What the model said: base + sum of the contributions = log_odds to 1e-9; calibrated, that is pd with its interval.

    features: the values the model read, null where not known. contributions: by feature, in log-odds. level: what the newest
    known outcomes add for everybody alike, the first step of calibration; the curve reads log_odds + level.
    """

    base: float
    features: Mapping[str, Value]
    contributions: Mapping[str, float]
    log_odds: float
    pd: float
    pd_low: float
    pd_high: float
    level: float = 0.0


@dataclass(frozen=True)
class GradeBefore:
    """What the run before graded the customer: at the mean, and at the upper end of the interval, at which limits are read.

    says: the grade that the probability of now has by itself; null where it has none, and in what a decision is made from.
    """

    grade: int
    grade_high: int
    says: int | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One customer, one date, one answer, with the chain that leads to it. It holds no name.

    status: scored, referred (a person has to look; what is recommended is a proposal), or not_scored (no answer, see
    `not_scored_reason`). pd, pd_low, pd_high, score, grade: the answer; a customer in default has pd 1 and grade 10 whatever the
    chain says; grade is null where the interval is too wide to name one. chain: null where the model was not asked.
    is_natural_person: switches on what the law asks for people; null is not known. exposure, overdue: money in `currency`.
    unfamiliar: features on which training never saw the like. asked: what an applicant asked for; null where nobody asked.
    review: when the customer is looked at next, and why. grace_until: the last day on which orders placed before a cut are
    honoured against the old limit; null where nothing is cut. before: the grades of the run before that this one was kept
    against (`Grades.kept`); null where none are known.
    """

    customer_id: str
    status: Status
    currency: str
    provenance: Provenance
    is_natural_person: bool | None = None
    data_depth: str | None = None
    exposure: Decimal | None = None
    overdue: Decimal | None = None
    limit_now: Decimal | None = None
    terms_now: int | None = None
    case: Case | None = None
    chain: Chain | None = None
    pd: float | None = None
    pd_low: float | None = None
    pd_high: float | None = None
    score: int | None = None
    grade: int | None = None
    reasons: Reasons | None = None
    recommendation: Recommendation | None = None
    review: Review | None = None
    grace_until: date | None = None
    referral: Referral | None = None
    not_scored_reason: str | None = None
    unfamiliar: tuple[str, ...] = ()
    asked: Asked | None = None
    before: GradeBefore | None = None

    @property
    def as_of(self) -> date:
        """The date it was decided for."""
        return self.provenance.as_of

    @property
    def decision_id(self) -> str:
        """The id of this decision, from the run and the customer."""
        return self.provenance.decision_id(self.customer_id)

    @property
    def record(self) -> dict[str, Any]:
        """The decision as plain JSON values: money as text, dates as ISO; the provenance by its run id."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "provenance"}
        if self.asked is None:
            del plain["asked"]  # records of a book are what they were before anybody could ask
        if self.before is None:
            del plain["before"]  # and what they were before grades were kept
        return {
            "version": RECORD_VERSION,
            "decision_id": self.decision_id,
            "run_id": self.provenance.run_id,
            "as_of": self.as_of.isoformat(),
            **{name: _plain(value) for name, value in plain.items()},
        }

    def to_bytes(self) -> bytes:
        """The record as canonical JSON. Equal decisions are equal bytes."""
        return canonical_bytes(self.record)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the record: the same decision may be given out many times, and is compared every time."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def grade_before(decision: Decision) -> GradeBefore | None:
    """What a later decision keeps its grade against: the grades of this one; null where it has none."""
    case = decision.case
    return None if case is None or case.grade is None or case.grade_high is None else GradeBefore(case.grade, case.grade_high)


def from_record(record: Mapping[str, Any], provenance: Provenance) -> Decision:
    """The decision a record was made of. Raises ValueError where the record is of another run or another version."""
    if record["version"] != RECORD_VERSION or record["run_id"] != provenance.run_id:
        raise ValueError(f"decision {record['decision_id']} is not of run {provenance.run_id} in version {RECORD_VERSION}")
    known = set(Decision.__dataclass_fields__) - {"provenance"}
    facts = {name: value for name, value in record.items() if name in known}
    readers: dict[str, Callable[[Any], Any]] = {
        "exposure": Decimal, "overdue": Decimal, "limit_now": Decimal, "case": _case, "reasons": _reasons,
        "chain": _chain, "recommendation": _recommendation, "unfamiliar": tuple, "review": _review,
        "grace_until": date.fromisoformat,
        "referral": lambda raw: Referral(tuple(raw["reasons"])),
        "before": lambda raw: GradeBefore(**raw),
        "asked": lambda raw: Asked(Decimal(raw["limit"]), raw["terms"]),
    }  # fmt: skip
    for name, read in readers.items():
        if facts.get(name) is not None:
            facts[name] = read(facts[name])
    return Decision(provenance=provenance, **facts)


def canonical_bytes(value: object) -> bytes:
    """The one way a value is written as JSON: sorted keys, no spaces, UTF-8, shortest exact floats. Raises ValueError on NaN."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in PLAIN:  # most of a record is figures: asked first, and by identity
        return value
    if kind is Decimal or kind is date:
        return str(value)  # of a date this is its ISO form
    if isinstance(value, Chain | Case):
        return _plain_chain(value) if isinstance(value, Chain) else _plain_case(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _plain_case(case: Case) -> dict[str, Any]:
    """Every fact by name; those that came to the case later only where they are known, so that older records keep their bytes."""
    facts = {name: getattr(case, name) for name in case.__dataclass_fields__}
    return {name: _plain(each) for name, each in facts.items() if name not in LATER_FACTS or each is not None}


def _plain_chain(chain: Chain) -> dict[str, Any]:
    """As the record holds it: each feature with what it was and what it added, side by side, and each name once."""
    steps = {name: getattr(chain, name) for name in ("base", "log_odds", "pd", "pd_low", "pd_high")}
    if chain.level:  # written only where there is one, so that records of models without keep their bytes
        steps["level"] = chain.level
    return {**steps, "features": {name: [chain.features[name], added] for name, added in chain.contributions.items()}}


def _chain(raw: Mapping[str, Any]) -> Chain:
    pairs: Mapping[str, list[Any]] = raw["features"]
    values, added = ({name: pair[place] for name, pair in pairs.items()} for place in (0, 1))
    return Chain(**{**raw, "features": values}, contributions=added)


def _case(raw: Mapping[str, Any]) -> Case:
    return Case(**{**_money_in(Case, raw), "signs": Signs(**_money_in(Signs, raw["signs"]))})


def _money_in(kind: type[Case] | type[Signs], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the record, those that are decimals read as such."""
    decimals = {name for name, annotation in kind.__annotations__.items() if "Decimal" in str(annotation)}
    return {name: Decimal(value) if name in decimals and value is not None else value for name, value in raw.items()}


def _reasons(raw: Mapping[str, Any]) -> Reasons:
    favourable = raw["favourable"]
    return Reasons(
        tuple(Reason(**each) for each in raw["adverse"]), None if favourable is None else Reason(**favourable), raw["by_code"]
    )


def _recommendation(raw: Mapping[str, Any]) -> Recommendation:
    caps = tuple(
        Cap(
            each["rule"], Decimal(each["amount"]), each["source"],
            {name: Decimal(value) if isinstance(value, str) else value for name, value in each["facts"].items()},
            Decimal(each["security"]),
        )
        for each in raw["caps"]
    )  # fmt: skip
    profit = raw["expected_profit"]
    return Recommendation(
        limit=Decimal(raw["limit"]),
        conservative=Decimal(raw["conservative"]),
        aggressive=Decimal(raw["aggressive"]),
        binding_cap=raw["binding_cap"],
        caps=caps,
        terms=raw["terms"],
        security_required=raw["security_required"],
        expected_profit=None if profit is None else Decimal(profit),
        longest_terms=raw["longest_terms"],
        term_caps=tuple(TermCap(**each) for each in raw["term_caps"]),
        menu=None if raw["menu"] is None else _menu(raw["menu"]),
    )


def _menu(raw: Mapping[str, Any]) -> Menu:
    def offer(given: Mapping[str, str]) -> Offer:
        return Offer(given["option"], Decimal(given["expected_value"]))

    def flip(given: Mapping[str, str] | None) -> Flip | None:
        return None if given is None else Flip(Decimal(given["pd"]), given["option"])

    runner_up = raw["runner_up"]
    return Menu(
        offer(raw["best"]), None if runner_up is None else offer(runner_up), flip(raw["flips_above"]), flip(raw["flips_below"])
    )


def _review(raw: Mapping[str, Any]) -> Review:
    return Review(date.fromisoformat(raw["next_on"]), raw["risk"], raw["why"], tuple(raw["triggers"]))
