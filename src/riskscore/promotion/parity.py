"""Parity: a model says of a customer alone, to the last bit, what it says of the customer in a book."""

import numpy as np
import pyarrow as pa

from riskscore.errors import ModelRefused
from riskscore.model import Model
from riskscore.model.formula import Floats

N_TRIED = 40


def check_parity(model: Model, frame: pa.Table) -> int:
    """Rows spread over the frame, each asked alone, give the bits they give together. Returns how many were tried.

    Log-odds, contributions, probability and both ends of its interval are compared. Raises ModelRefused naming what differs.
    """
    places = np.unique(np.linspace(0, frame.num_rows - 1, min(N_TRIED, frame.num_rows)).round().astype(int))
    together = _answers(model, frame)
    for place in places.tolist():
        alone = _answers(model, frame.slice(place, 1))
        for name, values in alone.items():
            if values[0].tobytes() != together[name][place].tobytes():
                raise ModelRefused(
                    f"parity: {name} of a customer asked alone differs from the same customer in a book "
                    f"({values[0]} and {together[name][place]}). The version is not proposed."
                )
    return len(places)


def _answers(model: Model, frame: pa.Table) -> dict[str, Floats]:
    explanation = model.explain(frame)
    said = model.probability(explanation.log_odds)
    return {
        "log-odds": explanation.log_odds,
        "contributions": explanation.contributions,
        "probability": said.pd,
        "lower end": said.low,
        "upper end": said.high,
    }
