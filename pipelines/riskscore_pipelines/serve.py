"""`riskscore serve`: answer scores over HTTP.

The server is a package of its own that the command does not import; this process becomes it.
"""

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

HELP = """Answer scores over HTTP, on the same path as a run over the book; nothing is recorded.

GET /v1/customers/ID, /v1/model, /v1/policy, /livez, /readyz, /openapi.json. This machine only, until accounts, TLS or a proxy,
and a secret are set ([serve] in riskscore.toml, riskscore accounts). Without accounts whoever is on this machine may do all.

Example:  riskscore serve --book book --port 8000
"""


@app.command(help=HELP)
def serve_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    host: Annotated[str, typer.Option(help="127.0.0.1, ::1, localhost; another address needs sign-on and TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8000,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: refer every customer.")] = False,
) -> None:
    """Become the server."""
    arguments = ["--host", host, "--port", str(port), "--model", model]
    arguments += ["--book", str(book)] if book else []
    arguments += ["--as-of", as_of.date().isoformat()] if as_of else []
    arguments += ["--no-model"] if no_model else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "riskscore_serving", *arguments])  # noqa: S606  no shell, our own module
