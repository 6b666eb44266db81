"""A server of this process on a real socket, with the connections of the product."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from riskscore_serving import connection


@contextmanager
def listening(app: Any, **settings: Any) -> Iterator[int]:
    """The port of the app while it is served, with a log as loud as the product's: a level set here stays for the tests that follow.

    settings: of uvicorn, instead of the product's.
    """
    told = {**connection.settings(app), **settings}
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        config = uvicorn.Config(
            app, log_level="warning", log_config=None, access_log=False, server_header=False, proxy_headers=False, **told
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
