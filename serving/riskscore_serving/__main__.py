"""`python -m riskscore_serving`: the server as a process of its own; `riskscore serve` becomes it."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path

# Before MLflow can be imported anywhere: it would send usage data, and the product never calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from riskscore import review
from riskscore.errors import RiskscoreError, UsageRefused
from riskscore.review import Delegation
from riskscore.stores.access import is_sign_on_required
from riskscore.stores.database import open_database
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_serving.settings import address


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; an error is one line on stderr and its exit status."""
    parser = argparse.ArgumentParser(prog="riskscore serve")
    parser.add_argument("--book", type=Path, default=None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--as-of", type=date.fromisoformat, default=None)
    parser.add_argument("--model", default="late_payment")
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--debug", action="store_true")
    wanted = parser.parse_args(argv)
    try:
        serve(wanted)
    except RiskscoreError as error:
        if wanted.debug:
            raise
        print(f"riskscore: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0


def serve(wanted: argparse.Namespace) -> None:
    """Open the desk, then listen: whoever reaches the server gets answers.

    Raises UsageRefused before it listens where others could reach the address and something is missing for that, or the extra is
    not installed, and what opening the book and the model raise.
    """
    workplace = Workplace()
    engine = cache(partial(open_database, workplace.database))
    at = address(wanted.host, wanted.port, workplace.serve, has_accounts=lambda: is_sign_on_required(engine()))
    try:
        import uvicorn
    except ImportError as error:
        raise UsageRefused("serve: the server is not installed. Install it: pip install 'riskscore[serve]'") from error
    from riskscore.stores.replaying import Replayer
    from riskscore_serving.access.door import Doorkeeper
    from riskscore_serving.app import create_app, office_in
    from riskscore_serving.connection import settings
    from riskscore_serving.logs import log_to_stderr
    from riskscore_serving.office import Rules
    from riskscore_serving.operating import log_requests
    from riskscore_serving.reception import Reception
    from riskscore_serving.stopping import Graceful

    log_to_stderr()
    reception = Reception(
        workplace,
        wanted.book or workplace.book,
        as_of=wanted.as_of,
        model=None if wanted.no_model else wanted.model,
        texts=wanted.model,
        store=engine,
        look_every=1.0,
        in_background=True,
    )
    desk = reception.desk()
    rules = Rules(max_book_age_days=workplace.max_book_age_days)
    said = [desk.signed.why_not and f"{desk.signed.why_not} Until then everybody is referred."]
    age = (datetime.now(UTC).date() - desk.as_of).days
    if age > rules.max_book_age_days:
        said.append(
            f"the book knows nothing of the last {age} days, {rules.max_book_age_days} are allowed: its customers are referred. "
            "Ingest newer exports, or allow more: RISKSCORE_MAX_BOOK_AGE_DAYS."
        )
    for sentence in filter(None, said):
        print(f"riskscore: {sentence}", file=sys.stderr)
    print(
        f"riskscore: {desk.book.n_customers:,} customers as of {desk.as_of} at {at.url}/v1/customers/ID (Ctrl-C stops)",
        file=sys.stderr,
        flush=True,
    )
    certificate, key = at.tls or (None, None)
    log_requests()
    app = create_app(
        reception.desk, at, Doorkeeper(engine(), at), store=engine, rules=rules, replay=Replayer(workplace, engine()),
        delegated=partial(delegation, workplace, wanted.model), at_hand=reception.at_hand,
    )  # fmt: skip
    config = uvicorn.Config(
        app,
        host=at.host,
        port=at.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the app believes them from the declared proxy only, uvicorn by itself from this machine's users
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=10,
        log_config=None,  # by our own log, in which an entry is one line
        **settings(app),
    )
    Graceful(config, office_in(app)).run()


def delegation(workplace: Workplace, model_name: str, on: date) -> Delegation:
    """The delegation of authority as the company has signed it, read at every use: a changed text counts at once."""
    return review.parse(find_text(f"{model_name}/delegation.toml", workplace.models).read_text(encoding="utf-8"), on=on)


if __name__ == "__main__":
    sys.exit(main())
