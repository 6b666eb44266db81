"""Where the server listens and whom it is called by, and what is refused before it listens."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from riskscore.errors import UsageRefused
from riskscore.stores.exposure import Exposure

LOOPBACK_NAMES = frozenset({"localhost"})
LARGEST_PORT = 65535
SHORTEST_SECRET = 32
FEWEST_DIFFERENT = 12  # characters in a secret: fewer is a pattern, not chance
SAMPLES = ("change", "secret", "example", "password", "riskscore", "0123456789")


@dataclass(frozen=True)
class Address:
    """Where the server listens. secret: what form tokens are made from; without one set, new with every process."""

    host: str = "127.0.0.1"
    port: int = 8000
    exposure: Exposure = field(default_factory=Exposure)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names a request may call this server by: a page of another site that points its own name here is turned away."""
        names = {"127.0.0.1", "[::1]", "localhost", self.host if ":" not in self.host else f"[{self.host}]"}
        return frozenset(names | ({self.public_host} if self.public_host else set()))

    @property
    def public_host(self) -> str | None:
        """The name of the public address, without a port."""
        url = self.exposure.public_url
        return url.removeprefix("https://").rpartition(":")[0] or url.removeprefix("https://") if url else None

    @property
    def url(self) -> str:
        """The address people call it by."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.exposure.public_url or f"http{'s' if self.tls else ''}://{host}:{self.port}"

    @property
    def is_exposed(self) -> bool:
        """Can anybody but this machine's users reach it? Behind a proxy, yes, wherever it listens."""
        return not _is_loopback(self.host) or bool(self.exposure.proxies) or self.exposure.public_url is not None

    @property
    def is_secure(self) -> bool:
        """Do browsers reach it over TLS? Then cookies go over nothing else."""
        return self.is_exposed or self.exposure.tls_certificate is not None

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key, where the server itself speaks TLS."""
        certificate, key = self.exposure.tls_certificate, self.exposure.tls_key
        return None if certificate is None or key is None else (certificate, key)


def address(host: str, port: int, exposure: Exposure, *, has_accounts: Callable[[], bool]) -> Address:
    """The address, checked. Raises UsageRefused naming everything that is missing where others than this machine could reach it.

    has_accounts: asked only where it matters, because it opens the database.
    """
    if not 1 <= port <= LARGEST_PORT:
        raise UsageRefused(f"serve: port {port} is not between 1 and {LARGEST_PORT}.")
    secret = exposure.secret.get_secret_value() if exposure.secret else None
    if secret is not None and (why := weakness(secret)):
        raise UsageRefused(f"serve: the secret {why}. Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'")
    at = Address(host, port, exposure, **({} if secret is None else {"secret": secret.encode()}))
    if not at.is_exposed:
        return at
    missing = []
    if not exposure.proxies and exposure.tls_certificate is None:
        missing.append("TLS (serve.tls_certificate and serve.tls_key) or the proxy that speaks it (serve.proxies)")
    if secret is None:
        missing.append("a secret (RISKSCORE_SERVE__SECRET)")
    if exposure.sign_on is None and not has_accounts():
        missing.append("somebody who may sign in (riskscore accounts setup, or serve.sign_on)")
    if missing:
        raise UsageRefused(
            f"serve: at {host} others than this machine could reach the server, so it needs {'; '.join(missing)}. "
            "It did not listen. On 127.0.0.1, without a proxy, it needs none of it."
        )
    return at


def weakness(secret: str) -> str | None:
    """What is wrong with a secret, null where nothing is; the secret itself is never repeated."""
    if len(secret) < SHORTEST_SECRET:
        return f"is shorter than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_DIFFERENT:
        return f"has fewer than {FEWEST_DIFFERENT} different characters"
    if any(sample in secret.casefold() for sample in SAMPLES):
        return "looks like a sample"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
