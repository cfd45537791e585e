"""A board tried out: baselines join a hosted board as they will on the platform, and it is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from concours.compete.hosted import Hosted
from concours.core.digests import Digest
from concours.core.errors import DataError
from concours.core.ports import Store
from concours.core.standings import Standings
from concours.engine.identity import code_digests
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.server.hosting.opened import Asked
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.table import output_valued
from concours.tasks.predicted import Wanted, read_file
from concours.tasks.sought import ids_of_file, places

SAMPLE = "sample submission"
"""What the sample is called on a board that is tried out."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A phase that was tried out.

    Attributes:
        standings: of the sample and the baselines, once the phase is closed: by the rows that are not public, where
            some are.
        waiting: baselines that were not tried, each with why.
    """

    phase: str
    standings: Standings
    waiting: Mapping[str, str]


def tried(asked: Asked, baselines: Sequence[Mapping[str, Any]], folder: Path, store: Store, *, seed: int) -> Tried:
    """The board of a phase with its sample and its baselines on it, scored as the platform scores.

    Args:
        baselines: what their signals say (`opened.Opened.baselines`).
        folder: where files are laid aside while they are read.

    Raises:
        DataError: a baseline's file of predictions, or the sample, does not suit.
    """
    place = Place()
    board = Hosted(problem=asked.problem, name=asked.phase)
    waiting: dict[str, str] = {}
    sent = [{"name": SAMPLE, "file": asked.sample, "called": "sample_submission.csv"}, *baselines]
    for number, body in enumerate(sent):
        told = {key: value for key, value in body.items() if key != "baseline"}
        if "program" in told:
            waiting[body["name"]] = "its code runs in the sandbox, once the competition is published"
            continue
        if "file" in told:
            file, called = told.pop("file"), told.pop("called")
            told["predictions"] = predictions_in(store, file, called, asked, folder)
        place.put(new_signal("joined", told, to=board.name, id=f"{number}"))
    place.put(new_signal("closed", {}, to=board.name, id="closed"))
    engine = Engine(
        store=store,
        journal=MemoryJournal(),
        executor=InlineExecutor(store, RUNNERS),
        code=code_digests(RUNNERS),
        inbox=MemoryInbox(place),
    )
    state = engine.drive(board, [], seed=seed)
    return Tried(phase=asked.phase, standings=board.standings(state), waiting=waiting)


def predictions_in(store: Store, file: Digest, called: str, asked: Asked, folder: Path) -> Digest:
    """The predictions of a file, by the rows of the test part in their order, in the form of the task's output.

    Raises:
        DataError: it cannot be read, a row is missing or comes twice, or a cell is no prediction.
    """
    output = output_valued(asked.problem.output)
    path = folder / called
    with store.open(file) as content:
        path.write_bytes(content.read())
    wanted = Wanted(classes=asked.problem.labels, texts=output.texts, id=asked.id, target=asked.target or None)
    table = read_file(path, wanted)
    names = get_values(store, asked.ids).to_pylist()
    if "id" in table.column_names:
        table = table.take(pa.array(places(ids_of_file(table, names), names, called, part="the test rows", cure="")))
    elif len(table) != asked.rows:
        raise DataError(f"{called} has {len(table):,} rows and no column {asked.id!r}; {asked.rows:,} were expected")
    return put_values(store, output.accepted(output.given(table, called).whole, asked.rows))
