"""Tables of decisions in a terminal: texts to the left, figures to the right."""

from decimal import Decimal

from rich.table import Table


def table_of(title: str, *columns: str, figures: int | None = None) -> Table:
    """An empty table. figures: how many columns from the right hold figures; all but the first where not said."""
    table = Table(title=title, title_justify="left", caption_justify="left", header_style="bold")
    first_figure = 1 if figures is None else len(columns) - figures
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= first_figure else "left", overflow="fold")
    return table


def money_of(amount: Decimal | None) -> str:
    """Money in whole units; a dash where it is not known."""
    return "–" if amount is None else f"{amount:,.0f}"
