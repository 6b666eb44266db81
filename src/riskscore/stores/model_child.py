"""The child process that parses a model first: if its bytes kill a parser, they kill nobody else.

It reads {file name: base64} as JSON from stdin, parses, runs the self-test and exits 0; it exits 5 with the reason on stderr
where the model is refused. The module stands outside `riskscore.stores.models` so that the child imports the parser alone.
"""

import base64
import contextlib
import json
import resource
import subprocess
import sys
from collections.abc import Mapping

from riskscore.errors import ModelRefused
from riskscore.hazard.formula import from_part
from riskscore.model import from_files

SECONDS = 60
START = (
    # LightGBM imports scikit-learn where it is there, for conveniences of its own, and starts twice as slowly for it.
    "import sys; sys.modules['sklearn'] = None; from riskscore.stores.model_child import main; sys.exit(main())"
)
MEMORY = 8 * 1024**3  # address space, not memory used: numeric libraries reserve much and touch little


def try_in_child(files: Mapping[str, bytes]) -> None:
    """Parse and self-test in a process of its own. Raises ModelRefused with its reason, or saying that it died or hung."""
    sent = json.dumps({name: base64.b64encode(content).decode() for name, content in files.items()}).encode()
    command = [sys.executable, "-I", "-c", START]
    try:
        answer = subprocess.run(command, input=sent, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired as error:
        raise ModelRefused(f"the model was not parsed within {SECONDS} seconds in a process of its own.") from error
    if answer.returncode < 0:
        raise ModelRefused(f"the model killed the process that parsed it (signal {-answer.returncode}).")
    if answer.returncode != 0:
        said = answer.stderr.decode(errors="replace").strip().splitlines()
        raise ModelRefused(said[-1] if said else "the model could not be parsed in a process of its own.")


def main() -> int:
    """What the child does: read the bundle from stdin and try it, with little time and no right to write a file."""
    for limit, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a system without this limit, or with a lower one
            resource.setrlimit(limit, (most, most))
    files = {name: base64.b64decode(content) for name, content in json.load(sys.stdin).items()}
    try:
        from_part(from_files(files).part("hazard"))
    except ModelRefused as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0
