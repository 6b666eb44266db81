"""What tests in a browser share: a server on a socket of its own, and everything that a page complains of."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import uvicorn
from playwright.sync_api import Page

from doors import EmptyDesk
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address


def troubles_of(page: Page, *allowed: str) -> list[str]:
    """Fills with every line of the console, every error, and every request for an address that begins with none of the allowed."""
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "request", lambda request: None if request.url.startswith(allowed) else troubles.append(f"request: {request.url}")
    )  # fmt: skip
    return troubles


@contextmanager
def site_over(engine: sa.Engine) -> Iterator[str]:
    """The address of a server with the accounts of that database."""
    listener = socket.create_server(("127.0.0.1", 0))
    desk, at = EmptyDesk(), Address(port=listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(create_app(lambda: desk, at, Doorkeeper(engine, at)), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{at.port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
