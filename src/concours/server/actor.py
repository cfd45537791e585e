"""Who asks: a value that every service takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who asks something of the platform.

    Attributes:
        user: their number; none of a visitor.
        name: as the audit log has it.
        administrator: whether they may do what administrators may.
        scopes: what the token that they came with allows; none where they came by a session, which allows all.
        address: where the request came from; empty where nobody knows.
    """

    user: int | None = None
    name: str = "visitor"
    administrator: bool = False
    scopes: frozenset[str] | None = None
    address: str = ""

    @property
    def signed_in(self) -> bool:
        return self.user is not None

    def may(self, scope: str) -> bool:
        """Whether the token allows it, if there is one."""
        return self.scopes is None or scope in self.scopes


VISITOR = Actor()
