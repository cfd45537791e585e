"""How a worker speaks to a platform: by HTTP, again and again where the platform is away for a while."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

import httpx

import concours
from concours.core.digests import Digest
from concours.core.errors import EndpointRefused, ObjectNotFound
from concours.core.event import Outcome, event_to_json
from concours.core.ports import Store
from concours.server.working.queue import Lease

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_CHUNK: Final = 1 << 20
_AWAY: Final = frozenset({429, 500, 502, 503, 504})


class Away(Exception):
    """The platform does not answer now."""


class Gone(Exception):
    """The platform says that the job is this worker's no more."""


class Platform:
    """A platform, as one of its workers sees it.

    Args:
        name: of the worker; no other of the same token may have it.
        sandbox: why this worker can make none; empty where it can.
    """

    def __init__(self, url: str, token: str, name: str, *, sandbox: str = "") -> None:
        self._name, self._sandbox = name, sandbox
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/work", headers={"authorization": f"Bearer {token}"}, timeout=_TIMEOUT
        )

    def close(self) -> None:
        self._client.close()

    def lease(self) -> Lease | None:
        """The next job; none where none waits.

        Raises:
            Away.
            EndpointRefused: it will not have this worker, with what to do.
        """
        told = {"name": self._name, "version": concours.__version__, "sandbox": self._sandbox}
        try:
            answer = self._asked("POST", "/lease", json=told)
        except Gone as error:
            raise EndpointRefused(str(error)) from None
        return None if answer.status_code == 204 else Lease.from_json(answer.json())

    def fetch(self, lease: Lease, digest: Digest, store: Store, meanwhile: Callable[[], None]) -> None:
        """Keeps an object that the job reads.

        Args:
            meanwhile: called again and again, as it may take long.

        Raises:
            Away, Gone.
            ObjectNotFound: the platform does not have it, or what came is something else.
        """
        with tempfile.TemporaryFile() as file:
            try:
                with self._client.stream("GET", f"/{lease.id}/inputs/{digest}", params=self._of(lease)) as answer:
                    if answer.status_code != httpx.codes.OK:
                        answer.read()
                    if answer.status_code == httpx.codes.NOT_FOUND:
                        raise ObjectNotFound(_why(answer))
                    _require(answer)
                    for chunk in answer.iter_bytes(_CHUNK):
                        file.write(chunk)
                        meanwhile()
            except httpx.HTTPError as error:
                raise Away(str(error)) from None
            file.seek(0)
            if (came := store.put(file)) != digest:
                store.delete(came)
                raise ObjectNotFound(f"what came for object {digest} has another content")

    def heartbeat(self, lease: Lease, log: str, progress: Mapping[str, float]) -> bool:
        """Tells how the job goes; whether it is to stop. Raises Away, Gone."""
        told = {**self._of(lease), "log": log, "progress": dict(progress)}
        return bool(self._asked("POST", f"/{lease.id}/heartbeat", json=told).json()["cancelled"])

    def send(self, lease: Lease, digest: Digest, store: Store, meanwhile: Callable[[], None]) -> None:
        """Sends an object that the job yields; arguments as of `fetch`. Raises Away, Gone."""

        def pieces(file: BinaryIO) -> Iterator[bytes]:
            while piece := file.read(_CHUNK):
                yield piece
                meanwhile()

        with store.open(digest) as file:
            self._asked("PUT", f"/{lease.id}/outputs", params=self._of(lease), content=pieces(file))

    def tell(self, lease: Lease, outcome: Outcome) -> None:
        """Tells what has come of the job. Raises Away, Gone."""
        self._asked("POST", f"/{lease.id}/result", json={**self._of(lease), "outcome": event_to_json(outcome)})

    def give_back(self, lease: Lease) -> None:
        """Gives the job back. Raises Away, Gone."""
        self._asked("POST", f"/{lease.id}/return", json=self._of(lease))

    def _of(self, lease: Lease) -> dict[str, Any]:
        return {"name": self._name, "token": lease.token}

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Away(f"{type(error).__name__}: {error}") from None
        _require(answer)
        return answer


def _require(answer: httpx.Response) -> None:
    """Raises Away, Gone, EndpointRefused: the answer is none."""
    if answer.status_code in _AWAY:
        raise Away(_why(answer))
    if answer.status_code in (401, 403):
        raise EndpointRefused(f"the platform refuses the token: {_why(answer)}; make one with the scope 'work'")
    if answer.is_error:
        raise Gone(_why(answer))


def _why(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
