"""The model of late payment: how it is fitted, what it answers and why, and how it is kept as bytes without pickle.

Applying a model needs numpy, scipy, pyarrow and LightGBM; only `riskscore.model.fit` needs more.
"""

from riskscore.model.bundle import BUNDLE_FILES, from_files, to_files
from riskscore.model.value import Explanation, Model, Probability, Speaker

__all__ = ["BUNDLE_FILES", "Explanation", "Model", "Probability", "Speaker", "from_files", "to_files"]
