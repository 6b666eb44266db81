"""Plans as sentences: what to do, what it takes, what it leads to, and why there is none."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import ModuleType

from riskscore.phrases import chinese, english
from riskscore.phrases.figures import Lang, day, money, number
from riskscore.phrases.sentences import code_name, rule_name, terms_sentence
from riskscore.phrases.terms import COMMA
from riskscore.plans import Event, Kind, Outlook, Plan, Plans, Publish, Secure, Settle

PHRASES: Mapping[Lang, ModuleType] = {"en": english, "zh": chinese}

UNKNOWN = "–"


def goal_name(found: Plans, lang: Lang) -> str:
    """What was asked for."""
    if found.target.kind != "limit":
        return _say(found.target.kind, lang)
    wanted = found.target.limit
    return _say("limit_up", lang) if wanted is None else _say("limit", lang, limit=money(wanted, found.currency, lang))


def event_sentences(events: Sequence[Event], lang: Lang, currency: str) -> tuple[str, ...]:
    """What to do: one for all invoices together, with their cash in the reporting currency; one for each other event."""
    told = []
    settled = [each for each in events if isinstance(each, Settle)]
    if settled:
        ids = COMMA[lang].join(each.invoice_id for each in settled)
        amount = money(sum((each.cost for each in settled), Decimal(0)), currency, lang)
        told.append(_say("settle_one" if len(settled) == 1 else "settle", lang, invoices=ids, amount=amount))
    for event in events:
        if isinstance(event, Secure):
            told.append(_say(event.kind, lang, amount=money(event.amount, event.currency, lang)))
        elif isinstance(event, Publish):
            facts = {"on": day(event.period_end, lang)}
            if event.assumption != "as_before":
                figures = (_say(name, lang, amount=money(amount, event.currency, lang)) for name, amount in event.figures)
                facts["figures"] = COMMA[lang].join(figures)
            told.append(_say(event.assumption, lang, **facts))
    return tuple(told)


def plan_sentence(plan: Plan, now: Outlook, lang: Lang, currency: str) -> str:
    """What to do and what it leads to: settle invoices 12, 15 (€84,000) → grade 5 → 4, limit +€60,000 (€180,000)."""
    after = plan.after
    effects = []
    if after.grade != now.grade:
        effects.append(_say("to_grade", lang, before=_grade(now.grade), after=_grade(after.grade)))
    if after.limit != now.limit:
        sign = "+" if after.limit > now.limit else ""
        change = sign + money(after.limit - now.limit, currency, lang)
        effects.append(_say("to_limit", lang, change=change, after=money(after.limit, currency, lang)))
    if after.terms != now.terms:
        effects.append(_say("to_terms", lang, before=terms_sentence(now.terms, lang), after=terms_sentence(after.terms, lang)))
    comma = COMMA[lang]
    told = comma.join(effects) or _say("no_change", lang)
    return _say("then", lang, events=comma.join(event_sentences(plan.events, lang, currency)), effects=told)


def plan_notes(plan: Plan, lang: Lang) -> tuple[str, ...]:
    """What has to be said beside a plan: that its accounts are assumed, that it may be more than is needed."""
    notes = []
    if any(isinstance(each, Publish) for each in plan.events):
        notes.append(_say("assumed", lang))
    if not plan.minimal:
        notes.append(_say("not_minimal", lang))
    return tuple(notes)


def why_none_sentence(found: Plans, lang: Lang) -> str | None:
    """Why there is no plan, with the rule or the reason that holds; None where there is one."""
    if found.why_none is None:
        return None
    if found.held_by is None:
        return _say(found.why_none, lang)
    return _say(f"{found.why_none}_held", lang, held=_holder(found.target.kind, found.held_by, lang))


def _holder(kind: Kind, code: str, lang: Lang) -> str:
    if kind == "terms":
        rule: str = PHRASES[lang].TERM_RULES[code]
        return rule
    return code_name(code, lang) if kind == "grade" else rule_name(code, lang)


def search_notes(found: Plans, lang: Lang) -> tuple[str, ...]:
    """What has to be said beside all plans: what was not tried."""
    notes = []
    if found.spent and found.plans:
        notes.append(_say("spent_besides", lang))
    if found.n_disputed:
        notes.append(_say("disputed", lang, n=number(found.n_disputed, lang)))
    if found.n_left_out:
        notes.append(_say("left_out", lang, n=number(found.n_left_out, lang)))
    return tuple(notes)


def plan_word(key: str, lang: Lang, **facts: str) -> str:
    """A heading or a short text about plans."""
    return _say(key, lang, **facts)


def outlook_sentence(now: Outlook, lang: Lang, currency: str) -> str:
    """What is recommended now."""
    limit, terms = money(now.limit, currency, lang), terms_sentence(now.terms, lang)
    return _say("now", lang, grade=_grade(now.grade), limit=limit, terms=terms)


def _grade(grade: int | None) -> str:
    return UNKNOWN if grade is None else str(grade)


def _say(key: str, lang: Lang, **facts: str) -> str:
    text: str = PHRASES[lang].PLANS[key]
    return text.format(**facts)
