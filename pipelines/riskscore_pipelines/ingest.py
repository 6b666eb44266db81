"""`riskscore ingest`: exports in, book out."""

from pathlib import Path

import typer

from riskscore.stores.ledgers.ingestion import ingest_canonical

app = typer.Typer()


@app.command()
def ingest(
    sources: list[Path] = typer.Argument(..., help="Files or folders of exports."),
    mapping: str = typer.Option("canonical", help="Mapping name or file."),
    book: Path = typer.Option(Path("book"), help="Folder of the book."),
) -> None:
    """Read exports through a mapping into a book."""
    made = ingest_canonical(sources[0], book, "EUR")
    print(f"{book}: {made.n_customers} customers, digest {made.digest[:12]}")
