"""What an answer of a server means for a call: it is answered, tried again, given up, or all calls are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from concours.core.errors import EndpointRefused
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.replies import Reply, Unreadable, document_of, reply_of, shown
from concours.entrants.endpoints.waits import asked_for
from concours.entrants.endpoints.wire import Lost, Response

_LONGEST_S = 600.0
_A_SECRET = 12
"""Letters that a key has at least. Shorter ones (`none`, `EMPTY`) are words that answers may hold."""

_AGAIN = frozenset((408, 409, 425, 429))
_NO_MONEY = frozenset(("insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"))


@dataclass(frozen=True, slots=True)
class Again:
    """A try that came to nothing, and may come to something later.

    Attributes:
        reason: in one line.
        wait_s: what the server asks for; None where it does not say.
        too_much: whether it was asked too much.
        down: whether it is nothing about this call, but the address itself.
        paid: whether the server may count it as answered.
    """

    reason: str
    wait_s: float | None = None
    too_much: bool = False
    down: bool = False
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """A call that the server refuses, however often it is asked."""

    reason: str


Verdict = Reply | Again | Never | EndpointRefused


def verdict(response: Response, seconds: float, endpoint: Endpoint, model: Any, key: str | None) -> Verdict:
    """What a response means for a call. The key, should the server echo it, stands nowhere in it: a key of at least
    `_A_SECRET` letters becomes `[key]`.
    """
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        return Again("the answer is compressed, which was not asked for")
    content = response.content
    key = key if key and len(key) >= _A_SECRET else None
    if key:
        content = content.replace(key.encode("ascii"), b"[key]")
    try:
        raw = content.decode("utf-8")
    except UnicodeDecodeError:
        raw = content.decode("latin-1")
        if response.status == 200:
            return Again(f"the answer is no UTF-8: {shown(raw)}")
    if response.status != 200:
        return _refused(response.status, response.headers, raw, endpoint, model, key)
    try:
        document = document_of(raw)
        error = document.get("error")
        if error and "choices" not in document:
            return _refused(_status(error), response.headers, raw, endpoint, model, key)
        return reply_of(document, raw, seconds)
    except Unreadable as error:
        return Again(str(error))


def lost(error: Lost, endpoint: Endpoint) -> Verdict:
    """What a request without an answer means for its call."""
    if error.why == "certificate":
        return EndpointRefused(
            f"{endpoint.base_url}: {error.reason}; no key was sent. If the certificate is your own, name the file of "
            "its authority in the environment variable SSL_CERT_FILE"
        )
    return Again(error.reason, too_much=error.why == "timeout", down=error.why == "unconnected", paid=error.sent)


def _refused(
    status: int, headers: Mapping[str, str], raw: str, endpoint: Endpoint, model: Any, key: str | None
) -> Verdict:
    said, code = _words(raw)
    what = f"{status}: {said}"
    if status in (401, 403):
        cure = (
            f"put a valid key into the environment variable {endpoint.key_env}"
            if endpoint.key_env
            else "name the environment variable that holds the key, key_env = …"
        )
        return EndpointRefused(f"{endpoint.base_url} refuses whoever asks ({what}): {cure}")
    if status == 402 or code in _NO_MONEY:
        return EndpointRefused(f"{endpoint.base_url}: the account of the key has nothing left ({what}): top it up")
    if status in (404, 405):
        return EndpointRefused(f"{endpoint.base_url} knows no model {model!r} or no such path ({what}): check both")
    if 300 <= status < 400:
        to = headers.get("location", "somewhere else")
        to = to.replace(key, "[key]") if key else to
        return EndpointRefused(f"{endpoint.base_url} has moved ({status}) to {shown(to)}: write that into base_url")
    if status not in _AGAIN and status < 500:
        return Never(what)
    wait = asked_for(headers)
    if wait is not None and wait > _LONGEST_S:
        return EndpointRefused(
            f"{endpoint.base_url} asks to wait {wait / 60:.0f} minutes ({what}): run the same command again then; what "
            "was answered is kept"
        )
    busy = status in (429, 503)
    return Again(what, wait_s=wait, too_much=busy, down=busy, paid=False)


def _status(error: Any) -> int:
    """The status that an error in a body of status 200 stands for."""
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if type(code) is int and 400 <= code < 600 else 500


def _words(raw: str) -> tuple[str, str]:
    """What the server says, in quotes, and the code of its error."""
    try:
        error = document_of(raw).get("error")
    except Unreadable:
        return shown(raw), ""
    if not isinstance(error, Mapping):
        return shown(error if isinstance(error, str) else raw), ""
    message, code = error.get("message"), error.get("code") or error.get("type")
    return shown(message if isinstance(message, str) else raw), code if isinstance(code, str) else ""
