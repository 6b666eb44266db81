"""The service with a planted fault: it keeps 2 KB of every request. A soak that does not see it measures nothing."""

import sys

from riskscore_serving import app as serving_app
from riskscore_serving.__main__ import main

KEPT: list[bytearray] = []
answer = serving_app.Guard.__call__


async def leaking(self, scope, receive, send):
    KEPT.append(bytearray(2048))
    await answer(self, scope, receive, send)


serving_app.Guard.__call__ = leaking
sys.exit(main(sys.argv[1:]))
