"""The server with a planted fault: it takes a body in whole, however large and slow it is.

python tests/hoarding.py [arguments of the server]
"""

import sys

from riskscore_serving import app
from riskscore_serving.__main__ import main

app.bounded = lambda _, receive: receive
sys.exit(main(sys.argv[1:]))
