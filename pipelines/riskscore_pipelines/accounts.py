"""`riskscore accounts`: who may ask the server, in which role. No password passes the command line: its owner chooses it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy.engine import Engine

from riskscore.stores.access import OPERATOR, accounts, tokens
from riskscore.stores.database import open_database
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import table_of
from riskscore_pipelines.shown import console

HELP = """Say who may ask the server, in which role: viewer, analyst, approver, admin.

From the first account (or the first setup) on, nobody asks without signing in. Whoever can run this command and read the
database is the operator, and can give any role: guard the shell as you guard the keys.

Example:  riskscore accounts setup
          riskscore accounts add ann@corp.example --role analyst
          riskscore accounts token ann@corp.example --role viewer --purpose "nightly export" --days 90
"""

app = typer.Typer(help=HELP, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account, such as an e-mail address.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]

CHOOSE = "Within 30 minutes, once: open the server's page /setup, enter this token and choose a password."


@contextmanager
def _database() -> Iterator[Engine]:
    engine = open_database(Workplace().database)
    try:
        yield engine
    finally:
        engine.dispose()


@app.command()
def setup() -> None:
    """Give the one-time token with which the first administrator chooses a name and a password."""
    with _database() as engine:
        print(accounts.invite_first(engine, now=_now()))
    typer.echo(CHOOSE, err=True)


@app.command()
def add(name: Name, role: Annotated[str, typer.Option(help="viewer, analyst, approver or admin.")]) -> None:
    """Add an account and give the one-time token with which its owner chooses a password."""
    with _database() as engine:
        print(accounts.add(engine, name, role, by=OPERATOR, now=_now()))
    typer.echo(CHOOSE, err=True)


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """Every account with its role and state."""
    with _database() as engine:
        found = accounts.listed(engine)
    if as_json:
        print(json.dumps([vars(account) for account in found], ensure_ascii=False, indent=1))
        return
    table = table_of("Accounts", "name", "role", "state", "signs on", figures=0)
    for account in found:
        table.add_row(account.name, account.role, account.state, "company" if account.elsewhere else "here")
    console().print(table)


@app.command()
def role(name: Name, to: Annotated[str, typer.Option(help="viewer, analyst, approver or admin.")]) -> None:
    """Give another role; every session of the account ends."""
    with _database() as engine:
        accounts.change_role(engine, name, to, by=OPERATOR, now=_now())
    print(f"{name} is {to}.")


@app.command()
def disable(name: Name) -> None:
    """Disable an account; its sessions and tokens end at once."""
    with _database() as engine:
        accounts.set_disabled(engine, name, disabled=True, by=OPERATOR, now=_now())
    print(f"{name} is disabled.")


@app.command()
def enable(name: Name) -> None:
    """Enable a disabled account again; its former tokens stay revoked."""
    with _database() as engine:
        accounts.set_disabled(engine, name, disabled=False, by=OPERATOR, now=_now())
    print(f"{name} is enabled.")


@app.command()
def reset(name: Name) -> None:
    """Take the password away, end sessions and tokens, and give a one-time token for a new password."""
    with _database() as engine:
        print(accounts.reset(engine, name, by=OPERATOR, now=_now()))
    typer.echo(CHOOSE, err=True)


@app.command()
def token(
    name: Name,
    purpose: Annotated[str, typer.Option(help="What it is for, as the list shows it.")],
    role: Annotated[str, typer.Option(help="viewer or analyst: what it may do at most.")] = "viewer",
    days: Annotated[int, typer.Option(help="How many days it lasts, up to 366.")] = 90,
) -> None:
    """Give a machine a token that speaks for the account; it is shown this once."""
    with _database() as engine:
        print(tokens.issue(engine, name, role, purpose, days=days, by=OPERATOR, now=_now()))


@app.command("tokens")
def list_tokens(as_json: AsJson = False) -> None:
    """Every token without its secret."""
    with _database() as engine:
        found = tokens.listed(engine, now=_now())
    if as_json:
        print(json.dumps([vars(each) for each in found], ensure_ascii=False, indent=1))
        return
    table = table_of("Tokens", "id", "account", "role", "purpose", "until", "state", figures=0)
    for each in found:
        table.add_row(each.token_id, each.account, each.role, each.purpose, each.expires_on, each.state)
    console().print(table)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="Id, as `riskscore accounts tokens` shows it.")]) -> None:
    """Revoke a token: from now on it is worth nothing."""
    with _database() as engine:
        tokens.revoke(engine, token_id, by=OPERATOR, now=_now())
    print(f"token {token_id} is revoked.")


def _now() -> int:
    return int(time.time())
