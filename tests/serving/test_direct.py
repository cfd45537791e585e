"""From ASGI to a model and back, without a framework: addresses, heads, defects."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from concours.serving.direct import Address, address_of, direct
from concours.serving.shelf import Version
from concours.serving.wire import Told


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/predict", Address("plain")),
        ("/explain", Address("explain")),
        ("/v2/models/größe/infer", Address("oip", "größe")),
        ("/v2/models/m/versions/2/infer", Address("oip", "m", "2")),
        ("/predict/", None),
        ("/v2/models/m", None),
        ("/v2/models//infer/x", None),
        ("/", None),
    ],
)
def test_paths_that_are_passed_on(path: str, address: Address | None) -> None:
    """And those that are not."""
    assert address_of(path) == address


def asked(ask: Any) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
    """What a server whose models do this answers to an empty POST."""
    sent = list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": []}
    asyncio.run(direct(SimpleNamespace(ask=ask), Address("plain"), scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"])


def test_names_in_any_letters_go_into_a_head() -> None:
    """What the head cannot hold is replaced there; the body has it."""

    async def ask(*_: Any, **__: Any) -> Any:
        return Version("模型", 1, None), "r-1", Told(1, b"{}", head={"x-concours-model": "模型"})  # type: ignore[arg-type]

    status, heads, _ = asked(ask)
    assert status == 200 and heads[b"x-concours-model"] == b"??" and heads[b"x-concours-request"] == b"r-1"


def test_a_defect_is_told_of_one_request(capsys: pytest.CaptureFixture[str]) -> None:
    """In the protocol's form, with no more than its kind; the log has it all."""

    async def ask(*_: Any, **__: Any) -> Any:
        raise KeyError("secret")

    status, _, body = asked(ask)
    assert status == 500 and "KeyError" in body["error"] and "secret" not in body["error"]
    assert "secret" in capsys.readouterr().err
