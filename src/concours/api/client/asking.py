"""Requests to a platform: what may be asked again is, and what it refuses is one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

import concours
from concours.core.errors import PlatformRefused
from concours.core.visible import shortened, visible

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_AWAY: Final = frozenset({502, 503, 504})
_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0)


class Asking:
    """Speaks to a platform.

    Args:
        url: its address, such as https://compete.example.org.
        token: of who asks; empty for a visitor.
        transport: in place of the network.
        sleep: waits so many seconds.

    Raises:
        PlatformRefused: the address is none.
    """

    def __init__(
        self,
        url: str,
        token: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise PlatformRefused(f"an address such as https://compete.example.org was expected, got {url!r:.100}")
        self.url = url.rstrip("/")
        headers = {"user-agent": f"concours/{concours.__version__}"}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=f"{self.url}/api", headers=headers, timeout=_TIMEOUT, transport=transport, trust_env=True
        )
        self._sleep = sleep

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **more: Any) -> Any:
        """What a GET answers, as JSON. Raises PlatformRefused."""
        return self.send("GET", path, again=True, **more).json()

    def send(self, method: str, path: str, *, again: bool = False, **more: Any) -> httpx.Response:
        """An answer that is well.

        Args:
            again: whether it is the same to ask twice; then it is, where nobody answers.

        Raises:
            PlatformRefused: with what the platform says.
        """
        for wait_s in (*_WAITS_S, None):
            try:
                answer = self._client.request(method, path, **more)
                if wait_s is None or not again or answer.status_code not in _AWAY:
                    return self.well(answer)
            except httpx.HTTPError as error:
                if wait_s is None or not again:
                    raise self.unreached(error) from None
            self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def stream(self, path: str, **more: Any) -> Iterator[httpx.Response]:
        """An answer whose body is read piece by piece. Raises PlatformRefused."""
        try:
            with self._client.stream("GET", path, **more) as answer:
                if answer.is_error:
                    answer.read()
                yield self.well(answer)
        except httpx.HTTPError as error:
            raise self.unreached(error) from None

    def well(self, answer: httpx.Response) -> httpx.Response:
        """An answer, if it is none of an error. Raises PlatformRefused."""
        if answer.has_redirect_location:
            raise PlatformRefused(f"{self.url} is another address now: {answer.headers.get('location', '')[:200]}")
        if not answer.is_error:
            return answer
        said = _line(answer) or f"it answers {answer.status_code} {answer.reason_phrase}"
        cure = ": log in with `concours login URL`" if answer.status_code == httpx.codes.UNAUTHORIZED else ""
        after = answer.headers.get("retry-after", "")
        raise PlatformRefused(
            f"{shortened(visible(said))}{cure}",
            status=answer.status_code,
            after_s=float(after) if after.isdigit() else None,
        )

    def unreached(self, error: httpx.HTTPError) -> PlatformRefused:
        """Why nobody answers."""
        why = str(error).strip() or type(error).__name__
        return PlatformRefused(
            f"{self.url} does not answer ({shortened(visible(why), 200)}): is the address right, and the platform up?"
        )


def _line(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return ""
    said = content.get("error") if isinstance(content, Mapping) else None
    return said if isinstance(said, str) else ""
