"""Why something is not done, for whoever asked: a status of HTTP, and one line."""

from __future__ import annotations

from typing import ClassVar

from concours.core.errors import ConcoursError


class Refusal(ConcoursError):
    """Something was asked of the platform that it does not do."""

    status: ClassVar[int] = 400


class Unknown(Refusal):
    """There is no such thing, or whoever asks may not know that there is."""

    status = 404


class NotSignedIn(Refusal):
    """Who asks is to say first who they are."""

    status = 401


class Forbidden(Refusal):
    """Who asks may know of it, and may not do that."""

    status = 403


class Conflict(Refusal):
    """It does not go with how things stand now."""

    status = 409


class TooLarge(Refusal):
    """More bytes than are taken."""

    status = 413


class Unfit(Refusal):
    """A value is not what was expected."""

    status = 422


class TooMany(Refusal):
    """More than the limits allow.

    Attributes:
        after_s: when to ask again.
    """

    status = 429

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class NotNow(Refusal):
    """The platform cannot do it at present: the disk is full, or the database is away."""

    status = 503
