"""Checks an exported chain with nothing but Python: python verify_chain.py chain.jsonl [--anchor anchors.jsonl]

Copy this file wherever you like; it needs neither riskscore nor its database. The first line of the export names the columns
that a link covers, every other line is a row. A link is the SHA-256 of the canonical JSON of the link before and those columns as
text; a record's digest is the SHA-256 of its text. Exit status 0: the chain holds. 1: it does not, and the first row that does
not hold is named. 2: the files cannot be read as an export and its anchors.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence

GENESIS = "0" * 64


class Broken(Exception):
    """The chain does not hold; the message names the row."""


def sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def link_of(previous: str, covered: Sequence[str], row: dict[str, object]) -> str:
    """The link of a row after the one before it."""
    facts = [previous, *(str(row[name]) for name in covered)]
    return sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def verify(lines: Iterator[str]) -> tuple[str, dict[int, str]]:
    """The name of the chain and the link of every row. Raises Broken at the first row that does not hold."""
    header = json.loads(next(lines))
    covered: list[str] = header["covered"]
    previous, links = GENESIS, {}
    for expected, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            holds = (
                row["sequence"] == expected
                and row["previous"] == previous
                and ("record" not in row or row["digest"] == sha256(row["record"]))
                and row["link"] == link_of(previous, covered, row)
            )
        except (ValueError, KeyError, TypeError):
            holds = False
        if not holds:
            raise Broken(f"row {expected} is not what was recorded")
        previous = links[expected] = row["link"]
    return header["chain"], links


def compare(chain: str, links: dict[int, str], anchors: Iterator[str]) -> int:
    """How many anchors name a row of the chain. Raises Broken at the first that names another one than is there."""
    n = 0
    for line in anchors:
        anchor = json.loads(line)
        head = anchor[chain]
        if head["sequence"] and links.get(head["sequence"]) != head["link"]:
            raise Broken(f"row {head['sequence']} is not the one anchored at {anchor['at']}: the chain was cut or rewritten")
        n += 1
    return n


def main(argv: Sequence[str] | None = None) -> int:
    """Check the files named on the command line."""
    parser = argparse.ArgumentParser(description="Check an exported chain of decisions or of the audit log.")
    parser.add_argument("export", help="what riskscore export-chain wrote")
    parser.add_argument("--anchor", help="the file of heads that were written down elsewhere")
    wanted = parser.parse_args(argv)
    try:
        with open(wanted.export, encoding="utf-8") as file:  # noqa: PTH123  this file must run alone, and in old Pythons
            chain, links = verify(iter(file))
        n = 0
        if wanted.anchor:
            with open(wanted.anchor, encoding="utf-8") as file:  # noqa: PTH123  as above
                n = compare(chain, links, iter(file))
    except Broken as fault:
        print(f"broken: {fault}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        print(f"cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(f"the chain of {chain} holds: {len(links)} rows, {n} anchors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
