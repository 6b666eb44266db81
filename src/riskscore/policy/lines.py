"""In which line of a TOML text a key stands: the standard parser does not say, and a refusal must."""

import re

HEADER = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


class Lines:
    """The lines of the headers `[[a.b]]` and of the keys under each, counted from 1."""

    def __init__(self, text: str) -> None:
        self._headers: dict[str, list[int]] = {}
        self._keys: dict[tuple[str, int, str], int] = {}
        under, index = "", 0
        for number, line in enumerate(text.splitlines(), start=1):
            if header := HEADER.match(line):
                under = header[1]
                self._headers.setdefault(under, []).append(number)
                index = len(self._headers[under]) - 1
            elif key := KEY.match(line):
                self._keys.setdefault((under, index, key[1]), number)

    def of(self, path: str, index: int = 0, key: str | None = None) -> int:
        """The line of that key in entry `index` of that path; the entry's header where the key is not found; 1 at the least."""
        if key is not None and (path, index, key) in self._keys:
            return self._keys[path, index, key]
        if path in self._headers:
            return self._headers[path][min(index, len(self._headers[path]) - 1)]
        parent, _, name = path.rpartition(".")
        inside = [numbers[0] for header, numbers in self._headers.items() if header.startswith(f"{path}.")]
        return self._keys.get((parent, 0, name)) or min(inside, default=1)
