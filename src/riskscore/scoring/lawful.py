"""The longest term the law lets a buyer take: what kind of buyer it is, and which line of the statutes answers for it."""

from datetime import date
from decimal import Decimal
from typing import TypedDict

from riskscore.policy import Params
from riskscore.statutes import Buyer, statutory_cap


class LawfulTerms(TypedDict):
    """The facts of a case about the law."""

    statutory_days: int | None
    statutory_rule: str | None
    statutory_source: str | None


NO_LINE: LawfulTerms = {"statutory_days": None, "statutory_rule": None, "statutory_source": None}


def lawful_terms(
    legal_form: str | None, country: str | None, annual_revenue: Decimal | None, params: Params, on: date
) -> LawfulTerms:
    """The longest term without a special agreement on that day, and where it is written; nulls where no line covers the buyer.

    A buyer whose country is not known is covered by no line: which law holds is not ours to guess.
    """
    if params.statutes is None or country is None:
        return NO_LINE
    buyer = buyer_type_of(legal_form, annual_revenue, params)
    cap = statutory_cap(
        params.statutes, buyer_type=buyer, supplier_size=params.statute_supplier_size, country=country.upper(), on=on
    )
    if cap is None:
        return NO_LINE
    source = f"{cap.title}, article {cap.article}, in force since {cap.effective_on} ({cap.source})"
    return {"statutory_days": cap.days, "statutory_rule": cap.rule, "statutory_source": source}


def buyer_type_of(legal_form: str | None, annual_revenue: Decimal | None, params: Params) -> Buyer:
    """What the buyer is by law: a public authority by its legal form, a large enterprise by its revenue (Policy, statute).

    An enterprise where neither is known: no line is stricter with less.
    """
    if legal_form is not None and legal_form.strip().casefold() in {form.casefold() for form in params.statute_public_forms}:
        return "public_authority"
    large = params.statute_large_revenue
    is_large = large is not None and annual_revenue is not None and annual_revenue >= large.value
    return "large_enterprise" if is_large else "enterprise"
