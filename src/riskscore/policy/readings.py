"""What a dated line of the policy may have as its value: each kind read strictly, and refused where it would pay for risk."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NoReturn, cast

from riskscore.policy.parameters import Kind, Parameter
from riskscore.policy.recommendation import Terms, credit_days
from riskscore.policy.values import CURRENCY, N_GRADES, SHARE_OF_SALES, Amount, Shares, Steps, Value

LONGEST_TERMS = 365

Refuse = Callable[..., NoReturn]
"""Called with what is wrong, and the name of the key where it is not `value`."""


def check_unit(parameter: Parameter, unit: str, refuse: Refuse) -> None:
    """Refuses a unit the number is not in."""
    is_currency = CURRENCY in parameter.units and len(unit) == 3 and unit.isascii() and unit.isupper()
    if unit not in parameter.units and not is_currency:
        refuse(f"must be {' or '.join(parameter.units)}, not {unit!r}", "unit")


def value_of(parameter: Parameter, raw: object, unit: str, refuse: Refuse) -> Value:
    """The value as that number needs it; refused where it has another form, lies outside its range, or loosens with risk."""
    return READERS[parameter.kind](parameter, raw, unit, refuse)


def _plain(parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> Value:
    number = _number(parameter, raw, refuse)
    return int(number) if parameter.whole else number


def _amount(parameter: Parameter, raw: object, unit: str, refuse: Refuse) -> Amount:
    number = _number(parameter, raw, refuse)
    if unit == SHARE_OF_SALES and number > 1:
        refuse("is more than all of the annual sales")
    return Amount(number, unit)


def _shares_by_grade(parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> tuple[Decimal, ...]:
    shares = tuple(_number(parameter, each, refuse) for each in _ten(raw, refuse))
    _never_rising(shares, "rises with risk: a worse grade may never have more", refuse)
    return shares


def _terms_by_grade(_parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> tuple[Terms, ...]:
    ladder = tuple(_terms(each, refuse) for each in _ten(raw, refuse))
    days = [credit_days(each) for each in ladder]
    _never_rising(days, "lengthens with risk: a worse grade may never have longer terms", refuse)
    return ladder


def _choice(parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> str:
    if raw not in parameter.choices:
        refuse(f"must be one of {', '.join(parameter.choices)}")
    return str(raw)


def _texts(_parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(each, str) and each.strip() for each in raw):
        refuse("must be a list of texts, none of them empty")
    return tuple(raw)


def _steps(parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> Steps:
    """Best step first, each but the last with its bound."""
    name = "up_to" if parameter.rises else "from"
    if not isinstance(raw, list) or not raw or not all(isinstance(each, dict) for each in raw):
        refuse(f"must be a list of steps such as {{ {name} = 1, share = 1 }}, the last without {name}")
    for place, each in enumerate(raw):
        if set(each) != ({"share"} if place == len(raw) - 1 else {name, "share"}):
            refuse(f"holds {dict(each)!r}; a step has {name} and share, and only the last, for all the rest, has share alone")
    bounds = [_finite(each[name], refuse) for each in raw[:-1]]
    if bounds != sorted(set(bounds), reverse=not parameter.rises):
        refuse("must go from the best step to the worst, no bound twice")
    shares = [_number(parameter, each["share"], refuse) for each in raw]
    _never_rising(shares, "rises with risk: a worse step may never have more", refuse)
    return Steps(parameter.rises, tuple(zip(bounds, shares[:-1], strict=True)), shares[-1])


def _shares_by_name(parameter: Parameter, raw: object, _unit: str, refuse: Refuse) -> Shares:
    if not isinstance(raw, Mapping) or set(raw) != set(parameter.choices):
        refuse(f"must name a share for each of {', '.join(parameter.choices)}, and for nothing else")
    return tuple((name, _number(parameter, raw[name], refuse)) for name in parameter.choices)


def _ten(raw: object, refuse: Refuse) -> list[object]:
    if not isinstance(raw, list) or len(raw) != N_GRADES:
        refuse(f"must be a list of {N_GRADES} values, for grades 1 to {N_GRADES}")
    return raw


def _terms(raw: object, refuse: Refuse) -> Terms:
    if raw in {"prepayment", "stop"}:
        return cast("Terms", raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= LONGEST_TERMS:
        refuse(f'holds {raw!r}; terms are days from 1 to {LONGEST_TERMS}, "prepayment" or "stop"')
    return raw


def _number(parameter: Parameter, raw: object, refuse: Refuse) -> Decimal:
    number = _finite(raw, refuse)
    if parameter.whole and number != number.to_integral_value():
        refuse(f"must be a whole number, not {number}")
    if not parameter.low <= number <= parameter.high:
        refuse(f"is {number}; it must lie between {parameter.low} and {parameter.high}")
    return number


def _finite(raw: object, refuse: Refuse) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal) or not Decimal(raw).is_finite():
        refuse(f"must be a number, not {raw!r}")
    return Decimal(raw)


def _never_rising(values: Sequence[Decimal] | Sequence[int], what: str, refuse: Refuse) -> None:
    if list(values) != sorted(values, reverse=True):
        refuse(what)


READERS: Mapping[Kind, Callable[[Parameter, object, str, Refuse], Value]] = {
    "number": _plain,
    "amount": _amount,
    "choice": _choice,
    "texts": _texts,
    "shares_by_grade": _shares_by_grade,
    "terms_by_grade": _terms_by_grade,
    "steps": _steps,
    "shares_by_name": _shares_by_name,
}
"""Kind of number to how its value is read."""
