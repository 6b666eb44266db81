"""The model as anyone can load it: a script that MLflow's own client runs, made of the very formula that scores here.

One spelling of the formula: the text of `riskscore.model.formula` is copied into the script, so it needs no installation of ours.
Our own scoring never runs this script.
"""

import inspect
from pathlib import Path
from typing import Any

import pyarrow as pa

from riskscore.model import Model, formula

REQUIREMENTS = ("lightgbm", "mlflow", "numpy", "pandas", "scipy")

WRAPPER = '''

# What MLflow asks of a model: how to load it, how to predict.
import pandas as pd
from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext


class LatePayment(PythonModel):
    """Features in, probability of paying materially late out: pd, its interval, and the log-odds before calibration.

    With the parameter newcomer=True the rows are customers without a settled invoice, of whom another formula speaks.
    """

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["bundle"])
        self.formula = Formula({name: (folder / name).read_bytes() for name in FORMULA_FILES})

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:
        formula = self.formula.cold if (params or {}).get("newcomer", False) else self.formula
        columns = {}
        for each in formula.inputs:
            column = model_input[each["name"]]
            columns[each["name"]] = (
                [None if pd.isna(value) else value for value in column]
                if each["kind"] == "category"
                else column.to_numpy(dtype=np.float64, na_value=np.nan)
            )
        log_odds = formula.log_odds(formula.matrix(columns))
        probability, low, high = formula.probability(log_odds)
        return pd.DataFrame({"pd": probability, "pd_low": low, "pd_high": high, "log_odds": log_odds})


mlflow.models.set_model(LatePayment())
'''


def write_script(folder: Path) -> Path:
    """The script, written into a folder."""
    path = folder / "late_payment_model.py"
    path.write_text(inspect.getsource(formula) + WRAPPER, encoding="utf-8")
    return path


def signature(model: Model, example: pa.Table) -> Any:
    """The names and types of what goes in and what comes out, all of it optional: a feature may be not known.

    Its one parameter, newcomer, says that the rows are customers without a settled invoice; default: they have one.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    kinds = {pa.float64(): DataType.double, pa.string(): DataType.string}
    inputs: list[Any] = [ColSpec(kinds[example[name].type], name, required=False) for name in model.feature_names]
    outputs: list[Any] = [ColSpec(DataType.double, name) for name in ("pd", "pd_low", "pd_high", "log_odds")]
    newcomer = ParamSpec("newcomer", DataType.boolean, default=False)
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs), params=ParamSchema([newcomer]))
