"""Sending a model to a running server."""

from __future__ import annotations

from typing import Any, Final

import httpx

from concours.core.errors import EndpointRefused

_SECONDS: Final = 600.0


def deployed(server: str, name: str, model: str, content: bytes, *, token: str | None = None) -> dict[str, Any]:
    """What a server says of a model that was sent to it (`serving.server.Server.deploy`).

    Args:
        content: of `runs.packing.packed`, with rows.

    Raises:
        EndpointRefused: it cannot be reached, or does not take it, with what it says.
    """
    heads = {"content-type": "application/zip"} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        told = httpx.post(
            f"{server.rstrip('/')}/deploy",
            params={"name": name, "model": model},
            content=content,
            headers=heads,
            timeout=_SECONDS,
        )
        value = told.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise EndpointRefused(
            f"--server {server}: no answer of a concours server ({error or type(error).__name__})"
        ) from None
    if told.status_code != 200:
        raise EndpointRefused(f"--server {server}: {value.get('error', told.status_code)}")
    found: dict[str, Any] = value
    return found
