"""Late-payment risk, credit limits and terms for business customers: calibrated, explained, replayable."""

__version__ = "0.1.0"
