"""The cash forecast: what open invoices of a book will bring, gathered by bucket, told in figures and on a page."""

from riskscore_pipelines.forecasting.gather import Forecast, forecast_book
from riskscore_pipelines.forecasting.page import page_of
from riskscore_pipelines.forecasting.words import WORDS

__all__ = ["WORDS", "Forecast", "forecast_book", "page_of"]
