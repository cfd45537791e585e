"""What a request is refused for, as a value, and in the form of each protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.errors import ConcoursError


class Refused(ConcoursError):
    """A request is not answered: what is wrong with it, or why nobody can now.

    Args:
        status: of HTTP: 400 wrong, 401 no token, 402 no budget, 403 no scope, 404 no such model or version, 405 no
            POST, 408 too slow, 409 at odds with what is there, 413 too large, 415 of no type that is read, 429 too
            many, 503 nobody there.
        retry_after: seconds after which to ask again, where that helps.
    """

    def __init__(self, why: str, *, status: int = 400, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.status, self.retry_after = status, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What the head of an answer says of it: `Retry-After` in whole seconds, which token or method is wanted."""
        said = {} if self.retry_after is None else {"retry-after": str(max(1, round(self.retry_after)))}
        more = {401: {"www-authenticate": "Bearer"}, 405: {"allow": "POST"}}
        return said | more.get(self.status, {})


_OPENAI_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
}


def as_plain(refused: Refused) -> dict[str, Any]:
    """The body of a refusal in our own protocol and in that of Open Inference, version 2."""
    return {"error": str(refused)}


def as_openai(refused: Refused) -> dict[str, Any]:
    """The body of a refusal in the form of OpenAI."""
    kind = _OPENAI_TYPES.get(refused.status, "invalid_request_error" if refused.status < 500 else "server_error")
    return {"error": {"message": str(refused), "type": kind, "param": None, "code": None}}
