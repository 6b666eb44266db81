"""Cells and tables that several sections of the validation report share."""

from collections.abc import Mapping, Sequence
from typing import Any

from riskscore.phrases import Lang
from riskscore_pipelines.finance.page import Sheet
from riskscore_pipelines.validating.words import WORDS, term

MISSING = "–"


def plain(measured: Mapping[str, float | None] | None, digits: int = 3) -> tuple[str, str]:
    """A figure and its interval; a gap where there is none."""
    if measured is None or measured["value"] is None:
        return (MISSING, MISSING)
    ends = [measured[end] for end in ("low", "high")]
    interval = MISSING if None in ends else " – ".join(f"{end:.{digits}f}" for end in ends)
    return (f"{measured['value']:.{digits}f}", interval)


def signed(figures: Sequence[float] | None) -> tuple[str, str]:
    """A difference and its interval, value, low and high, with their signs; a gap where there is none."""
    if figures is None:
        return (MISSING, MISSING)
    value, low, high = figures
    return (f"{value:+.3f}", f"{low:+.3f} – {high:+.3f}")


def segments(found: Sequence[Mapping[str, Any]], title: str, lang: Lang) -> Sheet:
    """The table of segments. found: rows as the run keeps them; empty where nothing was broken down."""
    words = WORDS[lang]
    rows = [
        (
            f"{term(each['dimension'], lang)}: {term(each['segment'], lang)}",
            f"{each['n_customers']:,}",
            f"{each['n_customers_with_event']:,}",
            f"{100 * each['mean_pd']:.2f} %",
            f"{100 * each['observed']:.2f} %",
            *plain(each["figures"].get("calibration_slope"), 2),
            *plain(each["figures"].get("calibration_intercept"), 2),
        )
        for each in found
    ]
    names = ("segment", "customers", "with_event", "predicted", "observed", "slope", "interval", "intercept", "interval")
    return Sheet(title, tuple(words[name] for name in names), tuple(rows), figures=8, note=words["segments_note"])
