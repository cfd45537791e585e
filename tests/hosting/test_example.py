"""The example makes a competition that passes, of data that is there."""

from __future__ import annotations

import runpy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from concours.server.hosting.check import check
from concours.server.hosting.folder import from_folder

MAKE = Path(__file__).parents[2] / "examples" / "competition" / "make.py"


def test_the_example_passes(tmp_path: Path) -> None:
    example = runpy.run_path(str(MAKE))
    if not example["DATA"].is_file():
        pytest.skip(f"the data set {example['DATA'].parent.name} is not here: CONCOURS_DATA says where")
    example["main"](tmp_path / "bank", datetime(2027, 1, 1, tzinfo=UTC))
    competition = from_folder(tmp_path / "bank")
    assert [phase.key for phase in competition.phases] == ["main", "final"]
    assert competition.phases[0].hand_over
    found = check(tmp_path / "bank")
    assert found.passes, found.findings
    assert [board.standings.lines[0].entrant.name for board in found.boards] == ["Logistic", "Logistic"]
