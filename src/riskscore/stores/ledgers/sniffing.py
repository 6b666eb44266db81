"""What a delivered file really is: the first bytes are compared with what the mapping says it should be."""

import codecs
from pathlib import Path

from riskscore.errors import InputRefused

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an XLSX workbook or another ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old XLS workbook"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "bzip2-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"7z\xbc\xaf", "a 7z archive"),
)
BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
MARKUP = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<body")


def expect(path: Path, wanted: str, encoding: str = "utf-8") -> None:
    """Say nothing where the file can be what is wanted (csv, gzip, parquet, xlsx).

    Raises InputRefused naming what the file is instead: empty, an HTML page, a workbook, another encoding. Nothing is guessed
    from it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputRefused(
            f"{path.name}: cannot be read ({error.strerror}). Nothing was written. Check the path and its rights."
        ) from error
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise InputRefused(f"{path.name}: the file is empty. Nothing was written. Export it again.")
    found = what_is(head, encoding)
    if wanted == "csv" and found is None:
        return
    fitting = {"gzip": "gzip-compressed", "parquet": "a Parquet file", "xlsx": "an XLSX workbook or another ZIP archive"}
    if wanted != "csv" and found == fitting[wanted]:
        return
    raise InputRefused(
        f"{path.name}: declared as {wanted}, but it is {found or 'something else, perhaps plain text'}. Nothing was written. "
        "Export it as declared, or declare what it is in the mapping."
    )


def what_is(head: bytes, encoding: str = "utf-8") -> str | None:
    """What the first bytes of a file say it is, in words; None where nothing speaks against delimited text in that encoding."""
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if not encoding.startswith(("utf-16", "utf-32")):
        for bom, name in BOMS:
            if head.startswith(bom):
                return f'text in {name} (declare encoding = "{name}")'
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if b"\r" in head and b"\n" not in head:
        return "text whose lines end in a carriage return alone (export it with line feeds, LF or CRLF)"
    if text.startswith(MARKUP):
        return "an HTML or XML page (perhaps the login page of the portal it was fetched from)"
    return None
