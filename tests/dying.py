"""The server, killed as by `kill -9` right after it committed answers for the n-th time and before anybody heard of it.

python tests/dying.py N [arguments of the server]
"""

import os
import signal
import sys

from riskscore_serving import recorder
from riskscore_serving.__main__ import main

commit, left = recorder.record, int(sys.argv[1])


def dying(*arguments):
    global left
    found = commit(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


recorder.record = dying
sys.exit(main(sys.argv[2:]))
