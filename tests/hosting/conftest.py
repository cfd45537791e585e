"""A competition that passes, made once."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from concours.server.hosting.new import new

NOW = datetime(2027, 1, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "plants"
    new(folder, now=NOW)
    return folder


@pytest.fixture
def plants(_made: Path, tmp_path: Path) -> Path:
    """A fresh copy of the folder that `concours host new` writes."""
    return Path(shutil.copytree(_made, tmp_path / "plants"))
