"""What every page of ours wears: the style sheet and the font, both inside the page."""

import base64
from functools import cache
from importlib.resources import files

from markupsafe import Markup


@cache
def font() -> str:
    """The font's bytes for a data address."""
    return base64.b64encode((files(__package__) / "vendor" / "inter-latin-wght-normal.woff2").read_bytes()).decode()


@cache
def style() -> Markup:
    """The style sheet, our own file, as it stands in the page."""
    return Markup((files(__package__) / "templates" / "report.css").read_text("utf-8"))  # noqa: S704
