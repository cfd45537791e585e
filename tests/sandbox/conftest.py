"""Boxes, run to their end."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from concours.engine.sandbox import command
from concours.engine.sandbox.box import Bounds, Box, Ended, Progress
from concours.engine.sandbox.run import available, run

PYTHON = (sys.executable, "-I", "-S", "-c")
"""Without what is installed, which takes time to find."""


@dataclass
class Ran:
    """What came of a box."""

    ended: Ended
    lines: list[str]
    progress: list[dict[str, float]]
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(params=["own", "anybody"])
def boxed(request, monkeypatch):
    """Runs some Python, or a command, in a box: as who runs the tests, and as somebody without rights."""
    if why := available():
        pytest.skip(why)
    if request.param == "anybody":
        monkeypatch.setattr(command, "standing", lambda: command.ANYBODY)

    def go(what, *, bounds=None, **more) -> Ran:
        contents: dict[str, bytes] = {}

        def keep(file):
            content = file.read()
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            contents[digest] = content
            return digest

        command = (*PYTHON, what) if isinstance(what, str) else tuple(what)
        *pieces, ended = run(Box(command=command, bounds=bounds or Bounds(seconds=20), **more), keep)
        assert isinstance(ended, Ended)
        return Ran(
            ended=ended,
            lines=[piece for piece in pieces if isinstance(piece, str)],
            progress=[dict(piece.values) for piece in pieces if isinstance(piece, Progress)],
            kept={path: contents[digest] for path, digest in ended.outputs.items()},
        )

    return go


@pytest.fixture
def secret(tmp_path) -> Path:
    """A file that nobody in a box is to read, in a folder of this machine."""
    file = tmp_path / "truth.csv"
    file.write_text("the truth is out")
    return file
