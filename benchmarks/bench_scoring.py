"""How fast customers are decided: snapshot, features, model with exact explanation, policy, record, file; in which memory.

    python benchmarks/bench_scoring.py [--customers 2000] [--months 36] [--scale 20000]

First a whole book of `--customers`, as `riskscore score` runs it. Then the deciding stages alone on `--scale` customers (the same
ones, many times, under other ids): processor time, peak memory, and how many times longer than predicting the same rows without
saying why. Promised for 2,000 customers: model, reasons, policy, record and file below 10 s of processor time, which is what
compares on shared cores. Exit status 1 where broken.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pyarrow as pa

from riskscore import grades, policy, recipe
from riskscore.scoring import decide_rows, receivables_of
from riskscore.simulation import simulate
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, look_at
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Book, Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.scores import write_scores
from riskscore.stores.signed_texts import find_text
from riskscore.training import train
from riskscore_pipelines.rows import rows_of
from riskscore_pipelines.score import Stopwatch

PROMISED_SECONDS = 10
AT_ONCE = 2_000


def quiet(*_: object) -> None:
    """Nobody listens."""


def prepared(scratch: Path, n_customers: int, n_months: int) -> tuple[Book, Signed]:
    """A book of an invented company, and a model trained on it."""
    world = simulate("default", n_customers=n_customers, n_months=n_months, seed=7)
    write_exports(world, scratch / "exports")
    ingest(Delivery(places=[str(scratch / "exports")], mapping=load("canonical"), extracted_on=world.end_on), scratch / "book")
    book = open_book(scratch / "book")
    texts = {name: find_text(f"late_payment/{name}.toml").read_text("utf-8") for name in ("recipe", "grades", "policy")}
    bounds = grades.parse(texts["grades"])
    trained = train([book.ledger()], recipe.parse(texts["recipe"]), bounds, until=book.last_known_on)
    law = find_text("statutes.toml").read_text("utf-8")
    return book, Signed(trained.model, bounds, policy.parse(texts["policy"], on=book.last_known_on, law=law))


def renamed(rows: pa.Table, times: int) -> pa.Table:
    """The same customers so many times, each under an id of its own."""
    pieces = []
    for copy in range(times):
        ids = pa.array([f"{copy:04}-{customer}" for customer in rows["customer_id"].to_pylist()], pa.string())
        pieces.append(rows.set_column(rows.column_names.index("customer_id"), "customer_id", ids))
    return pa.concat_tables(pieces)


def decide_all(frame: pa.Table, standing: pa.Table, book: Book, signed: Signed, scratch: Path, watch: Stopwatch) -> None:
    """Everything after the features, as a run does it."""
    provenance = signed.provenance(book, book.last_known_on)
    receivables = receivables_of([standing])
    engine = open_database(f"sqlite:///{scratch / f'{standing.num_rows}.db'}")
    parts = []
    for start in range(0, standing.num_rows, AT_ONCE):
        decisions = decide_rows(
            frame.slice(start, AT_ONCE), standing.slice(start, AT_ONCE), signed.model, signed.grades, signed.params,
            receivables=receivables, provenance=provenance, watch=watch,
        )  # fmt: skip
        with watch("record", len(decisions)):
            log.append(engine, decisions)
        with watch("reasons in words", len(decisions)):
            parts.append(rows_of(decisions))
    with watch("write", standing.num_rows):
        write_scores(pa.concat_tables(parts), scratch / f"{standing.num_rows}.parquet")
    engine.dispose()


def show(title: str, watch: Stopwatch) -> None:
    """The stages of one measurement."""
    print(f"\n{title}\n{'stage':<20}{'seconds':>9}{'customers/s':>14}")
    for stage, figures in watch.as_json().items():
        print(f"{stage:<20}{figures['seconds']:>9.2f}{figures['customers_per_second']:>14,.0f}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--scale", type=int, default=20_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        book, signed = prepared(scratch, wanted.customers, wanted.months)
        print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")

        watch = Stopwatch()
        looked = [part for bucket in book.buckets() for part in look_at(book, book.last_known_on, bucket, watch)[0]]
        frame, standing = (pa.concat_tables([getattr(part, name) for part in looked]) for name in ("features", "positions"))
        began = time.process_time()
        decide_all(frame, standing, book, signed, scratch, watch)
        deciding = time.process_time() - began
        show(f"a book of {standing.num_rows:,} customers", watch)

        many, many_standing = (renamed(rows, -(-wanted.scale // standing.num_rows)) for rows in (frame, standing))
        began = time.process_time()
        signed.model.probability(signed.model.log_odds(many))
        floor = time.process_time() - began
        before = psutil.Process().memory_info().rss
        at_scale, began = Stopwatch(), time.process_time()
        decide_all(many, many_standing, book, signed, scratch, at_scale)
        total = time.process_time() - began
        show(f"{many_standing.num_rows:,} customers, features given", at_scale)
        size = (scratch / f"{many_standing.num_rows}.db").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    kept = deciding < PROMISED_SECONDS * wanted.customers / 2000
    n, each = many_standing.num_rows, total / many_standing.num_rows * 1000
    print(f"\n{n:,} customers: {total:.1f} s of processor time, {each:.2f} ms each, {total / floor:.0f} times predicting alone")
    print(f"memory {before / 2**20:,.0f} MB before, {peak / 2**20:,.0f} MB at the peak; {size / n / 1024:.1f} KB a record")
    print(f"{wanted.customers:,} customers: {deciding:.1f} s of processor time: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
