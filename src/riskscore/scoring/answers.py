"""What the model says of a frame of features, by customer: the chain from base to calibrated probability."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from riskscore.decisions import Chain, canonical_bytes
from riskscore.features import CATALOGUE
from riskscore.model import Model, Speaker


@cache
def catalogue_digest() -> str:
    """SHA-256 over every feature's name, meaning and declarations: equal digests, equal questions asked of the ledger."""
    declared = ("name", "unit", "risk", "window_days", "group", "reason", "kind", "meaning")
    return hashlib.sha256(
        canonical_bytes([[getattr(each, name) for name in declared] for each in CATALOGUE.values()])
    ).hexdigest()


@dataclass(frozen=True)
class Answers:
    """What the model said, by customer; customers it was not asked about are absent."""

    chains: Mapping[str, Chain]
    unfamiliar: Mapping[str, tuple[str, ...]]
    broken: frozenset[str]

    @classmethod
    def of(
        cls, frame: pa.Table, model: Model | None, customers: Sequence[str], newcomers: Collection[str] = frozenset()
    ) -> "Answers":
        """Asks the model about these customers, rows of the frame found by id. A customer with an infinite feature is `broken`.

        newcomers: who of them has no settled invoice; the model of newcomers speaks of them, from what is known before a payment.
        Without a model nobody has an answer. Raises ModelRefused where the frame lacks a column or has another type.
        """
        if model is None:
            return cls({}, {}, frozenset())
        known = cls._said(model, frame, [each for each in customers if each not in newcomers])
        fresh = cls._said(model.newcomer, frame, [each for each in customers if each in newcomers])
        return cls({**known.chains, **fresh.chains}, {**known.unfamiliar, **fresh.unfamiliar}, known.broken | fresh.broken)

    @classmethod
    def _said(cls, speaker: Speaker, frame: pa.Table, customers: Sequence[str]) -> "Answers":
        if not customers:
            return cls({}, {}, frozenset())
        place = {customer: row for row, customer in enumerate(frame["customer_id"].to_pylist())}
        frame = _rows(frame, [place[customer] for customer in customers])
        columns = {name: frame[name].to_pylist() for name in speaker.feature_names}
        broken = frozenset(
            customers[row]
            for values in columns.values()
            for row, value in enumerate(values)
            if isinstance(value, float) and not math.isfinite(value)
        )
        sound = [row for row, customer in enumerate(customers) if customer not in broken]
        frame = _rows(frame, sound)
        explanation = speaker.explain(frame)
        probability = speaker.probability(explanation.log_odds)
        chains = {}
        for position, row in enumerate(sound):
            chains[customers[row]] = Chain(
                base=float(explanation.base),
                features={name: values[row] for name, values in columns.items()},
                contributions=dict(zip(explanation.names, explanation.contributions[position].tolist(), strict=True)),
                log_odds=float(explanation.log_odds[position]),
                pd=float(probability.pd[position]),
                pd_low=float(probability.low[position]),
                pd_high=float(probability.high[position]),
                level=speaker.level,
            )
        unfamiliar = dict(zip((customers[row] for row in sound), speaker.unfamiliar(frame), strict=True))
        return cls(chains, unfamiliar, broken)


def _rows(frame: pa.Table, places: Sequence[int]) -> pa.Table:
    """The rows at these places. All of them in their order are not copied: one customer has a hundred columns."""
    return frame if list(places) == list(range(frame.num_rows)) else frame.take(pa.array(places, pa.int64()))
