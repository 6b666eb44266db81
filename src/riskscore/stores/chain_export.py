"""A chain as JSON lines, for whoever checks it without this product and without the database."""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskscore.stores.anchors import CHAINS
from riskscore.stores.audit import CHAINED as AUDIT_CHAINED
from riskscore.stores.database import reading
from riskscore.stores.decisions import CHAINED, ROWS_AT_ONCE

COVERED = {"decisions": CHAINED, "audit": AUDIT_CHAINED}


def lines(engine: Engine, chain: str) -> Iterator[str]:
    """The chain of that name (decisions or audit): a line that says which columns a link covers, then a line for every row."""
    yield json.dumps({"chain": chain, "covered": COVERED[chain]})
    table = CHAINS[chain]
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(table).order_by(table.c.sequence))
        for row in rows:
            yield json.dumps(dict(row._mapping), default=str, ensure_ascii=False)  # noqa: SLF001  a row's columns by name
