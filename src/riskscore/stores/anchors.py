"""Anchors: the heads of the chains written down outside the database, so that a cut or rewritten chain is found."""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import canonical_bytes
from riskscore.errors import StorageFailed
from riskscore.stores.audit import AUDIT
from riskscore.stores.database import DECISIONS, reading
from riskscore.stores.decisions import now

CHAINS = {"decisions": DECISIONS, "audit": AUDIT}


def anchor(engine: Engine, path: Path, *, key: bytes | None = None) -> Mapping[str, Any]:
    """Append the heads of the chains to the file, durable; what was written. key: signs the line (HMAC-SHA-256).

    Keep the file where whoever writes the database cannot: another machine, a mailbox, a printer. Raises StorageFailed where the
    disk does not take it.
    """
    with reading(engine) as connection:
        line: dict[str, Any] = {"at": now(), **{name: _head(connection, table) for name, table in CHAINS.items()}}
    if key is not None:
        line["signature"] = _signature(line, key)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFailed(f"{path}: the heads of the chains could not be written down ({error.strerror}).") from error
    return line


def faults(engine: Engine, path: Path, *, key: bytes | None = None) -> Iterator[str]:
    """What the anchors in the file say against the chains; nothing where every anchored head is still in its place."""
    with reading(engine) as connection:
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                line = json.loads(text)
                heads = {name: (int(line[name]["sequence"]), str(line[name]["link"])) for name in CHAINS}
            except (ValueError, KeyError, TypeError):
                yield f"{path.name} line {number} is no anchor"
                continue
            if key is not None and not hmac.compare_digest(str(line.get("signature", "")), _signature(line, key)):
                yield f"{path.name} line {number} is not signed with this key"
            for name, (sequence, link) in heads.items():
                if sequence and _link_at(connection, CHAINS[name], sequence) != link:
                    yield f"{name}: row {sequence} is not the one anchored at {line['at']}: the chain was cut or rewritten"


def _head(connection: Connection, table: sa.Table) -> dict[str, Any]:
    query = sa.select(table.c.sequence, table.c.link).order_by(table.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return {"sequence": 0, "link": ""} if row is None else {"sequence": row.sequence, "link": row.link}


def _link_at(connection: Connection, table: sa.Table, sequence: int) -> str | None:
    return connection.execute(sa.select(table.c.link).where(table.c.sequence == sequence)).scalar_one_or_none()


def _signature(line: Mapping[str, Any], key: bytes) -> str:
    signed = {name: value for name, value in line.items() if name != "signature"}
    return hmac.new(key, canonical_bytes(signed), hashlib.sha256).hexdigest()
