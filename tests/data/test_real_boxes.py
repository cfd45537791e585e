"""A contest on real pictures with boxes, where they are at hand."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from concours import Contest

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
_PICTURES, _TEST = 40, 20


def some_of(archive: Path, folder: Path) -> Path:
    """The first pictures of the set's own two parts, laid as the whole is."""
    with tarfile.open(archive) as whole:
        members = {member.name: member for member in whole if member.isfile()}

        def read(name: str) -> bytes:
            file = whole.extractfile(members[name])
            assert file is not None
            return file.read()

        for part, count in (("trainval", _PICTURES), ("test", _TEST)):
            listed = f"BCCD/ImageSets/Main/{part}.txt"
            stems = read(listed).decode().split()[:count]
            wanted = [
                *(f"BCCD/{place}" for stem in stems for place in (f"JPEGImages/{stem}.jpg", f"Annotations/{stem}.xml"))
            ]
            for name in sorted(wanted, key=lambda name: members[name].offset):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(read(name))
            (folder / listed).parent.mkdir(parents=True, exist_ok=True)
            (folder / listed).write_text("\n".join(stems))
    return folder / "BCCD"


@pytest.mark.slow
def test_blood_cells(tmp_path):
    """Two detectors find cells far better than who does not look, by cross-validation and on the set's own test part,
    and so does what joins them.
    """
    archive = DATA / "bccd" / "bccd.tar.gz"
    if not archive.exists():
        pytest.skip("no bccd/bccd.tar.gz in the data folder")
    (tmp_path / "c.toml").write_text(f"""
        [task]
        kind = "object-detection"
        data = "{some_of(archive.resolve(), tmp_path)}"
        split = {{ folds = 2 }}
        [[entrant]]
        recipe = "blobs"
        params = {{ rounds = 20 }}
        [[entrant]]
        recipe = "windows"
        [cooperate]
        strategies = ["average", "greedy"]
        """)
    result = Contest.from_file(tmp_path / "c.toml").with_options(out=tmp_path / "run").run()
    board = {line.entrant.name: line for line in result.standings}
    assert {line.status for line in board.values()} == {"ok"}
    for name in ("blobs", "windows", "average", "greedy"):
        assert board[name].ci[0] > board["dummy"].ci[1]
    assert board["blobs"].metrics["ap50"] > 0.6
    assert board["greedy"].metrics["ap50"] > 0.6
    assert result.setup.problem.labels == ("Platelets", "RBC", "WBC")
    assert set(result.credit) == {"average", "greedy"}
