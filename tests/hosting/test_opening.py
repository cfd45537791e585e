"""A competition of any kind that the library knows is opened: problems, names of rows, and a sample that is scored."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from concours.core.digests import Digest
from concours.core.errors import ContestError
from concours.core.registry import load
from concours.engine.runners import RUNNERS as ENGINE
from concours.engine.work import execute
from concours.server.hosting.competition import Competition, Phase
from concours.server.hosting.folder import files_of, from_folder
from concours.server.hosting.opened import Opened, opening_job
from concours.server.hosting.opening import RUNNERS, opening
from concours.server.hosting.programs import board_of
from concours.server.hosting.trial import sample_of, tried
from concours.stores.disk import DiskStore
from concours.stores.values import get_values
from concours.tasks.kinds import KINDS

PHASE = Phase(key="main", title="Main", begins="2027-01-01T00:00:00Z")
JUDGED = ("text-generation",)
"""Kinds whose metrics are judges that are asked, which a hosted board does not do."""


def kept(folder: Path, store: DiskStore) -> dict[str, Digest]:
    found = {}
    for path, place in files_of(folder).items():
        with place.open("rb") as file:
            found[path] = store.put(file)
    return found


def lives_told(file: Path) -> None:
    """Adds the column `left`, the cycles that a unit of it still runs."""
    table = pd.read_csv(file)
    table["left"] = table.groupby("unit")["cycle"].transform("max") - table["cycle"]
    table.to_csv(file, index=False)


def competition_of(kind: str, folder: Path) -> Competition:
    """The kind's own sample twice, by two seeds: once public, once secret."""
    for name in ("data", "truth"):
        (folder / name).mkdir(parents=True)
    sample = load(KINDS[kind].sample)
    task = sample(folder / "data", 1)
    sample(folder / "truth", 2)
    data = str(Path(str(task.data)).relative_to(folder))
    values: dict[str, Any] = {"kind": kind, "data": data, "test": data.replace("data/", "truth/", 1)}
    values |= {key: value for key in ("target", "id") if (value := getattr(task, key)) is not None}
    if isinstance(task.target, tuple):
        values["target"] = list(task.target)
    values |= {key: list(value) for key in ("text", "drop", "metrics") if (value := getattr(task, key))}
    values["split"] = {key: value for key in ("time", "group", "folds") if (value := getattr(task.split, key))}
    if kind == "remaining-useful-life":  # units that judge stop before they fail, so that somebody says what is left
        values["target"] = "left"
        for part in ("data", "truth"):
            lives_told(folder / part / "worn.csv")
    values |= {"options": dict(task.options)} if not KINDS[kind].input.keys and task.options else dict(task.options)
    return Competition(title="A sample", slug="sample", task=values, phases=(PHASE,))


def test_what_agents_play_is_refused(tmp_path: Path) -> None:
    """Entries of a board do not meet one another; the line says where they do."""
    game = Competition(title="A game", slug="game", task={"kind": "game", "data": "tictactoe"}, phases=(PHASE,))
    with pytest.raises(ContestError, match=r"task\.kind: game cannot be hosted: .*`concours run`"):
        opening(game, tmp_path, DiskStore(tmp_path / "store"), {})


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.own.items() if "meet" not in kind.output.can])
def test_every_kind_can_be_hosted(kind: str, tmp_path: Path) -> None:
    folder, store = tmp_path / "folder", DiskStore(tmp_path / "store")
    competition = competition_of(kind, folder)
    opened = opening(competition, folder, store, kept(folder, store))
    assert Opened.from_json(json.loads(json.dumps(opened.to_json()))) == opened
    asked = opened.of("main")
    ids = get_values(store, asked.ids).to_pylist()
    with store.open(asked.sample) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode(), newline="")))
    assert [row[asked.id] for row in rows] == ids
    assert len(set(ids)) == asked.rows == asked.public_rows
    if kind not in JUDGED:
        board = board_of("main", competition, PHASE, asked, {})
        (line,) = tried(board, [sample_of(asked)], store, seed=0).standings.lines
        assert line.score is not None, line.reason


def test_the_job_yields_what_the_folder_does(plants: Path, tmp_path: Path) -> None:
    competition, store = from_folder(plants), DiskStore(tmp_path / "store")
    digests = kept(plants, store)
    job = opening_job(competition, digests)
    event = execute(job, store, {**ENGINE, **RUNNERS})
    assert set(event.outputs) == set(job.outputs) == {"ids main", "sample main"}
    assert Opened.from_json(event.values["opened"]) == opening(competition, plants, store, digests)


def test_phases_have_their_own_truth_and_public_rows(plants: Path, tmp_path: Path) -> None:
    text = (plants / "competition.toml").read_text()
    more = (
        '[[phase]]\nkey = "last"\ntitle = "Last"\nbegins = 2027-03-01T00:00:00Z\ntruth = "truth/last.csv"\npublic = 0'
    )
    (plants / "competition.toml").write_text(text.replace("[teams]", f"{more}\n\n[teams]"))
    lines = (plants / "truth/test.csv").read_text().splitlines()
    (plants / "truth/last.csv").write_text("\n".join(lines[:31]))
    store = DiskStore(tmp_path / "store")
    main, last = opening(from_folder(plants), plants, store, kept(plants, store)).asked
    assert (main.rows, main.public_rows, main.problem.public is None) == (90, 28, False)
    assert (last.rows, last.public_rows, last.problem.public is None) == (30, 30, True)
    assert main.problem.train == last.problem.train


def _pictures(path: Path, folders: bool, rng: np.random.Generator, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for row in range(rows):
            label = ("dark", "light")[row % 2]
            pixels = rng.integers(0, 120, (6, 6)) + 100 * (row % 2)
            file = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
            archive.writestr(f"{label}/{row * 7 % rows:02}.png" if folders else f"{row:02}.png", file.getvalue())


def test_pictures_of_an_archive_go_by_the_names_of_their_files(tmp_path: Path) -> None:
    folder, store, rng = tmp_path / "folder", DiskStore(tmp_path / "store"), np.random.default_rng(0)
    for name in ("data/train.zip", "truth/test.zip"):
        _pictures(folder / name, True, rng, 30)
    task = {"kind": "image-classification", "data": "data/train.zip", "test": "truth/test.zip"}
    competition = Competition(title="Light", slug="light", task=task, phases=(PHASE,))
    asked = opening(competition, folder, store, kept(folder, store)).of("main")
    assert asked.id == "file"
    assert sorted(get_values(store, asked.ids).to_pylist()) == [f"{row:02}.png" for row in range(30)]
