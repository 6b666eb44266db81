"""Passwords: which ones are taken, how they are kept (argon2id), and the work that an unknown name costs as well."""

import unicodedata
from functools import cache
from importlib.resources import files
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from riskscore.errors import UsageRefused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 128
FEWEST_DIFFERENT = 5  # characters: below that it is a pattern
LONGEST_PATTERN = 6  # characters that, repeated, make no password: abcabcabcabc

AT_ONCE = BoundedSemaphore(2)  # each hash takes 19 MiB and a core: a flood of sign-ins must wait, not take the machine


class PasswordRefused(UsageRefused):
    """A password that is not taken; the sentence says why and does not repeat it."""


def check_password(password: str, name: str) -> str:
    """The password as it is hashed (Unicode NFKC). Raises PasswordRefused saying why it is not taken.

    Length and known passwords, as NIST SP 800-63B asks; no rules on kinds of characters, which only make passwords worse.
    """
    plain = unicodedata.normalize("NFKC", password)
    bare = plain.casefold()
    if not SHORTEST <= len(plain) <= LONGEST:
        raise PasswordRefused(f"password: {SHORTEST} to {LONGEST} characters. A sentence that nobody else would write is best.")
    if bare in _common():
        raise PasswordRefused("password: it is on the list of passwords that attackers try first. Choose another.")
    if len(set(bare)) < FEWEST_DIFFERENT or _repeats(bare):
        raise PasswordRefused("password: it repeats a short pattern. Choose another.")
    if name.casefold().partition("@")[0] in bare or "riskscore" in bare:
        raise PasswordRefused("password: it holds the name of the account or of this product. Choose another.")
    return plain


def hash_password(plain: str) -> str:
    """The argon2id text of a password that was checked; parameters and salt are in it."""
    with AT_ONCE:
        return _hasher().hash(plain)


def matches(stored: str | None, password: str) -> bool:
    """Is it that password? stored null costs the same work and says no: who is known here cannot be told from the time."""
    from argon2.exceptions import InvalidHashError, VerificationError

    plain = unicodedata.normalize("NFKC", password[: LONGEST + 1])
    try:
        with AT_ONCE:
            _hasher().verify(stored or _nobodys(), plain)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Was it hashed with other parameters than today's? Then it is hashed again when the password is next at hand."""
    return _hasher().check_needs_rehash(stored)


@cache
def _hasher() -> "PasswordHasher":
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise UsageRefused("accounts: argon2 is not installed. Install it: pip install 'riskscore[serve]'") from error
    # OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


@cache
def _common() -> frozenset[str]:
    listed = files("riskscore.stores.access") / "vendor" / "common-passwords.txt"
    return frozenset(listed.read_text(encoding="utf-8").casefold().splitlines())


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, LONGEST_PATTERN + 1))
