"""Bodies that are meant to fill a server's memory, sent over raw sockets."""

import select
import socket
from collections.abc import Iterator
from itertools import repeat

MIB = 2**20
LARGE = 48 * MIB
PIECE = 64 * 1024

Body = tuple[str, str, Iterator[bytes], int | None]
"""Path, content type, pieces, and the length that is declared; null sends chunks."""

FORM, PARTS, JSON = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
FIELDS = b"a=1&" * (PIECE // 4)


def pieces(piece: bytes, size: int = LARGE) -> Iterator[bytes]:
    return repeat(piece, size // len(piece))


def attacks() -> dict[str, Body]:
    """Every one sends tens of megabytes, or says so, where the server reads a quarter of one."""
    junk = PART * (PIECE // len(PART))
    return {
        "a length beyond all": ("/v1/decisions", JSON, pieces(b" " * PIECE), LARGE),
        "no length": ("/v1/scores", JSON, pieces(b" " * PIECE), None),
        "no length where orders are checked": ("/v1/orders/check", JSON, pieces(b"[" * PIECE), None),
        "a million fields": ("/sign-in", FORM, pieces(FIELDS, 4_000_000 // PIECE * PIECE), 4_000_000 // PIECE * PIECE),
        "a million fields, no length": ("/setup", FORM, pieces(FIELDS), None),
        "a million parts": ("/sign-in", PARTS, pieces(junk, 1_000_000 * len(PART) // len(junk) * len(junk)), None),
        "junk before the parts": ("/sign-in", PARTS, pieces(b"-" * PIECE), None),
        "parts where JSON is read": ("/v1/decisions", PARTS, pieces(junk, LARGE // len(junk) * len(junk)), None),
    }


def send(port: int, body: Body) -> tuple[int | None, bool]:
    """The status of the answer, null where the line was cut without one, and whether the whole body could be sent before it."""
    path, kind, parts, length = body
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nIdempotency-Key: k\r\nSec-Fetch-Site: same-origin\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n" if length is None else f"Content-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(head.encode())
        try:
            for part in parts:
                if select.select([line], [], [], 0)[0]:
                    return _status(line), False
                line.sendall(part if length is not None else b"%x\r\n%s\r\n" % (len(part), part))
            line.sendall(b"" if length is not None else b"0\r\n\r\n")
        except OSError:  # it was refused, and the rest of it as well
            return _status(line), False
        return _status(line), True


def _status(line: socket.socket) -> int | None:
    try:
        said = line.recv(4096)
    except OSError:
        return None
    return int(said.split(b" ", 2)[1]) if said else None
