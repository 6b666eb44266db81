"""The server with a planted fault: it takes a body in whole, however large and slow it is.

python tests/hoarding.py [arguments of the server]
"""

import sys

from riskscore_serving.__main__ import main
from riskscore_serving.sieve import Sieve

Sieve._bounded = lambda _self, _scope, receive: receive
sys.exit(main(sys.argv[1:]))
