"""What an operator sets for the server, and what is refused until there is a sign-on."""

from dataclasses import dataclass
from ipaddress import ip_address

from riskscore.errors import UsageRefused

LOOPBACK_NAMES = frozenset({"localhost"})
LARGEST_PORT = 65535


@dataclass(frozen=True)
class Address:
    """Where the server listens."""

    host: str = "127.0.0.1"
    port: int = 8000

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names a request may call this server by: a page of another site that points its own name here is turned away."""
        return frozenset({"127.0.0.1", "[::1]", "localhost", self.host if ":" not in self.host else f"[{self.host}]"})


def address(host: str, port: int) -> Address:
    """The address, checked. Raises UsageRefused for anything but this machine: without a sign-on nobody else may ask."""
    if not 1 <= port <= LARGEST_PORT:
        raise UsageRefused(f"serve: port {port} is not between 1 and {LARGEST_PORT}.")
    if not _is_loopback(host):
        raise UsageRefused(
            f"serve: {host} is not this machine. The server has no sign-on yet, so it listens on 127.0.0.1, ::1 or localhost "
            "only. To reach it from elsewhere, put a proxy with a sign-on in front of it."
        )
    return Address(host, port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
