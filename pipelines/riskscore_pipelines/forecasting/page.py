"""The cash forecast as one HTML page that needs nothing else: a chart and a table a currency."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from riskscore.charts import Series, line_chart
from riskscore_pipelines.forecasting.gather import FIGURES, Forecast
from riskscore_pipelines.forecasting.words import WORDS
from riskscore_pipelines.reporting.formats import HTML_LANG, Formats, Lang

LINES = (("p90", "high", "main"), ("p50", "middle", "best"), ("p10", "low", "main"))


def page_of(forecast: Forecast, lang: Lang) -> str:
    """The page in one language."""
    words = WORDS[lang]
    parts = []
    for currency, weeks in forecast.weeks.items():
        f = Formats(lang, currency)
        ends = [f.on(end) for end in forecast.week_ends()]
        rows = [(end, *(f.number(getattr(weeks, name)[at]) for name in FIGURES)) for at, end in enumerate(ends)]
        parts.append(
            {
                "heading": words["heading"].format(currency=currency),
                "sums": words["open"].format(
                    amount=f.number(forecast.opened[currency]),
                    currency=currency,
                    weeks=len(ends),
                    expected=f.number(float(weeks.mean.sum())),
                ),
                "chart": line_chart(
                    [end.isoformat()[5:] for end in forecast.week_ends()],
                    [Series(words[word], kind, getattr(weeks, name).tolist()) for name, word, kind in LINES],
                    say=f.compact,
                    sentence=words["chart"].format(currency=currency),
                ),
                "rows": rows,
            }
        )
    f = Formats(lang, "EUR")
    page: str = (
        _environment()
        .get_template("forecast.html.j2")
        .render(
            words=words,
            parts=parts,
            html_lang=HTML_LANG[lang],
            css=_css(),
            said=words["as_of"].format(on=f.on(forecast.on), n=f.number(forecast.invoices.num_rows)),
            made_with=words["made_with"].format(model=forecast.model_digest[:12], book=forecast.book_digest[:12]),
        )
    )
    return page


@cache
def _css() -> Markup:
    style = files("riskscore_pipelines.reporting") / "templates" / "report.css"
    return Markup(style.read_text(encoding="utf-8"))  # noqa: S704 - our own style sheet


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
