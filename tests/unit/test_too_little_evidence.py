"""What is advised where there is too little to learn from: to wait, or to say what is late in this trade."""

import numpy as np
import pyarrow as pa
import pytest

from modelling import shipped
from riskscore.errors import TooFewEvents
from riskscore.model.rows import Rows
from riskscore.training.learning import check_evidence


@pytest.mark.parametrize(
    ("n_late", "advised"), [(3, "ingest a longer history, or wait"), (177, r"say under \[outcome\] what is materially late")]
)
def test_more_history_is_not_advised_where_everybody_is_late(n_late, advised):
    who = pa.table(
        {"customer_id": [f"C{n:03d}" for n in range(178)], "as_of": pa.array([19000] * 178, pa.int32()).cast(pa.date32())}
    )
    rows = Rows.of(who, np.array([1.0] * n_late + [0.0] * (178 - n_late)))

    with pytest.raises(TooFewEvents, match=f"{n_late} paid materially late.*{advised}"):
        check_evidence(rows, shipped())
