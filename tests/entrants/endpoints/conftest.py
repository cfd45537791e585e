"""An endpoint on loopback, answers and a purse in a folder of their own; waits are short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from concours.entrants.endpoints import waits
from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.testing.endpoints import Loopback, Script


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "FIRST_S", 0.002)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    """A file of answers, empty."""
    with Answers(tmp_path / "answers.sqlite") as kept:
        yield kept


@pytest.fixture
def serve() -> Iterator[Callable[..., Loopback]]:
    """Starts endpoints that end with the test."""
    with ExitStack() as stack:

        def start(script: Script, **options: Any) -> Loopback:
            return stack.enter_context(Loopback(script, **options))

        yield start


@pytest.fixture(scope="session")
def asking() -> Callable[..., list[Call]]:
    """Calls for some questions."""

    def calls(endpoint: Endpoint, *questions: object, **parameters: Any) -> list[Call]:
        return [
            Call(endpoint.chats, chat("m", [{"role": "user", "content": str(question)}], **parameters))
            for question in questions
        ]

    return calls
