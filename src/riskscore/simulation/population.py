"""Who the customers are: what they are to the register, how they pay at heart, and how much they order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from riskscore.simulation.names import CURRENCIES, INDUSTRIES, LEGAL_FORMS, SOLE_TRADER, company_name, person_name
from riskscore.simulation.presets import Preset
from riskscore.simulation.randomness import Floats, Ints, chosen, normals, uniforms

FIRST_CUSTOMER_NUMBER = 100_001


@dataclass(frozen=True)
class Population:
    """One entry per customer in every array. Indices point into the preset's, the calendar's or the names' lists."""

    customer_id: tuple[str, ...]
    name: tuple[str, ...]
    legal_form: tuple[str, ...]
    is_natural_person: NDArray[np.bool_]
    country: Ints
    industry: Ints
    currency: tuple[str, ...]
    parent: Ints
    """Index of the parent company, -1 for none; always a smaller index, so that no chain can close."""
    parent_since_month: Ints
    """The month in which the parent bought it; -1 where it always belonged."""
    joined_month: Ints
    """Month index of the first possible order; 0 for those who were customers before."""
    years_before: Floats
    """How long it had been a customer when the world begins, in years; 0 for those who join later."""
    quality_node: Ints
    run_kind: Ints
    """0 any business day, 1 to 5 Monday to Friday, 6 the 10th and 25th."""
    terms_days: Ints
    volume: Floats
    """Expected invoices a month."""
    size: Floats
    """Standard normal; big customers have big invoices."""
    steady: NDArray[np.bool_]
    """Stays healthy for ever, and everybody knows it: the largest customer of a preset that has one."""
    publishes: NDArray[np.bool_]
    rated: NDArray[np.bool_]
    takes_discount: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.customer_id)


def populate(preset: Preset, n_customers: int, n_months: int, seed: int) -> Population:
    """Draw the customers of a world, each from its own number."""
    who = np.arange(n_customers)

    def draw(purpose: str) -> Floats:
        return uniforms(seed, purpose, who)

    country = chosen(draw("country"), [share for _, share in preset.countries])
    codes = [preset.countries[k][0] for k in country]
    industry = chosen(draw("industry"), np.ones(len(INDUSTRIES)))
    natural = draw("natural person") < preset.sole_trader_share
    forms = tuple(
        SOLE_TRADER.get(code, "sole_trader") if person else LEGAL_FORMS[code][int(pick * len(LEGAL_FORMS[code]))]
        for code, person, pick in zip(codes, natural, draw("legal form"), strict=True)
    )
    parent, since = _families(preset, natural, n_months, seed)
    # A window of one month has no later month to join in.
    later = np.minimum(1 + (draw("joined") * (n_months - 1)).astype(np.int64), n_months - 1)
    joined = np.where(draw("joins") < preset.joining_share, later, 0)
    run_kind = chosen(draw("run kind"), preset.run_shares)
    weekday = chosen(draw("run weekday"), preset.weekday_shares)
    node = chosen(draw("quality"), preset.quality_weights)
    size = normals(seed, "size", who)
    steady = np.zeros(n_customers, dtype=np.bool_)
    if preset.largest_share:
        # The customer with a fifth of all invoices is an average and steady one, or its draws would colour the whole book.
        steady[0] = True
        run_kind[0], node[0], size[0] = 0, len(preset.quality_nodes) // 2, 0.0
    return Population(
        customer_id=tuple(f"{FIRST_CUSTOMER_NUMBER + k:010d}" for k in who),
        name=_names(preset, codes, industry, forms, natural, seed),
        legal_form=forms,
        is_natural_person=natural,
        country=country,
        industry=industry,
        currency=tuple(CURRENCIES.get(code, "EUR") for code in codes),
        parent=parent,
        parent_since_month=since,
        joined_month=joined,
        years_before=np.where(joined > 0, 0.0, 0.3 + 14.0 * draw("years before") ** 2),
        quality_node=node,
        run_kind=np.where(run_kind == 0, 0, np.where(run_kind == 1, 1 + weekday, 6)),
        terms_days=np.asarray(preset.terms_days, dtype=np.int64)[chosen(draw("terms"), preset.terms_shares)],
        volume=_volumes(preset, draw("volume")),
        size=size,
        steady=steady,
        publishes=~natural & (draw("publishes") < preset.statement_share),
        rated=draw("rated") < preset.rating_share,
        takes_discount=draw("discount") < preset.discount_share,
    )


def _volumes(preset: Preset, uniform: Floats) -> Floats:
    volume = np.asarray(preset.volume_floor + preset.volume_scale * gammaincinv(preset.volume_shape, uniform), dtype=np.float64)
    if preset.largest_share:
        # Those who join later order for half of the window on average.
        expected = (preset.volume_floor + preset.volume_scale * preset.volume_shape) * (1 - preset.joining_share / 2)
        volume[0] = preset.largest_share / (1 - preset.largest_share) * expected * (len(volume) - 1)
    return volume


def _families(preset: Preset, natural: NDArray[np.bool_], n_months: int, seed: int) -> tuple[Ints, Ints]:
    who = np.arange(len(natural))
    member = ~natural & (uniforms(seed, "family", who) < preset.family_share) & (who > 0)
    # Parents come from the first tenth of the numbers below: some families have several members, some chains two steps.
    candidate = (uniforms(seed, "parent", who) * np.maximum(who // 10, 1)).astype(np.int64)
    member &= ~natural[candidate]
    bought_later = member & (uniforms(seed, "bought", who) < 0.1)
    month = np.minimum(1 + (uniforms(seed, "bought month", who) * (n_months - 1)).astype(np.int64), n_months - 1)
    since = np.where(bought_later, month, -1)
    return np.where(member, candidate, -1), since


def _names(
    preset: Preset, codes: list[str], industry: Ints, forms: tuple[str, ...], natural: NDArray[np.bool_], seed: int
) -> tuple[str, ...]:
    who = np.arange(len(codes))
    parts = np.stack([(uniforms(seed, f"name {part}", who) * 1_000_000).astype(np.int64) for part in range(3)], axis=1)
    names = [
        person_name((int(a), int(b), int(c)), code) if person else company_name((int(a), int(b), int(c)), code, int(trade), form)
        for (a, b, c), code, trade, form, person in zip(parts, codes, industry, forms, natural, strict=True)
    ]
    # Two accounts under one name: an entity that was opened twice, or a namesake. The ids stay apart.
    same = (uniforms(seed, "same name", who) < preset.same_name_share) & (who > 0)
    other = (uniforms(seed, "same name as", who) * np.maximum(who, 1)).astype(np.int64)
    return tuple(names[other[k]] if same[k] else name for k, name in enumerate(names))
