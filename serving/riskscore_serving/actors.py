"""Who asks: the principal of a request, by name and role. Every record and every idempotency key belongs to one."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

Role = Literal["viewer", "analyst", "approver", "admin"]


@dataclass(frozen=True)
class Actor:
    """A person or a machine that is known to this server.

    name: stable, unique among all principals, and what the record holds; never a display name. role: what it may do.
    is_machine: a token speaks for the account of that name.
    """

    name: str
    role: Role
    is_machine: bool = False


LOCAL = Actor("local", "admin")
"""Whoever operates this machine. Holds only where nobody else can reach the server: on loopback and without accounts."""


async def actor_of(request: Request) -> Actor:
    """Who was established for this request at the gate of its route. There is nobody by default."""
    found: Actor = request.scope["riskscore_actor"]
    return found


WithActor = Annotated[Actor, Depends(actor_of)]
