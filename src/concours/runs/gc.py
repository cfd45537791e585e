"""Collecting garbage: what no journal and no result refers to."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from concours.contest.setup import Setup
from concours.core.digests import Digest
from concours.core.entrant import begins_from
from concours.core.errors import TrustError
from concours.core.event import Done
from concours.core.links import refuse_links_within
from concours.engine.journal import read_journal
from concours.engine.scratch import SCRATCH, bucket_of
from concours.entrants.places import CODE
from concours.runs.folder import current
from concours.runs.kept import kept_setup
from concours.runs.trust import made_here


@dataclass(frozen=True)
class Freed:
    """How many objects were removed, their bytes, and the bytes that are left in the folder."""

    objects: int
    bytes: int
    left: int


def collect(path: Path | str) -> Freed:
    """Removes from a run folder what nothing refers to: objects of killed jobs and how far they had come,
    half-written files, copies of code.

    What a finished job yielded stays, so that a contest that goes on after this runs nothing twice.

    Raises:
        TrustError: the folder, which was not made here, leads to a store elsewhere.
        RunFolderError: there is no run in the folder, or somebody is writing to it.
        LinkRefused: there is a link in the folder, wherever it leads; nothing is removed then.
    """
    folder = current(path)
    with folder.writing():
        refuse_links_within(folder.path)
        before = folder.size()
        records, _ = read_journal(folder.journal)
        live = {
            digest for record in records if isinstance(record.event, Done) for digest in record.event.outputs.values()
        }
        live |= _of_setup(kept_setup(folder))
        if folder.elsewhere and not made_here(folder.path):
            raise TrustError(
                f"{folder.path} came from elsewhere and says that its objects lie in {folder.elsewhere}: nothing is "
                "removed there; run gc where the contest was run"
            )
        store = folder.store
        dead = [digest for digest in store if digest not in live]
        away = sum(store.size(digest) for digest in dead) if folder.elsewhere else 0
        for digest in dead:
            store.delete(digest)
        for leftover in store.leftovers():
            leftover.unlink(missing_ok=True)
        for place in (CODE, SCRATCH):
            shutil.rmtree(store.folder / place, ignore_errors=True)
        if bucket := bucket_of(store):
            bucket.drop_notes(f"{SCRATCH}/")
        after = folder.size()
    return Freed(objects=len(dead), bytes=before - after + away, left=after)


def _of_setup(setup: Setup | None) -> set[Digest]:
    if setup is None:
        return set()
    parts = [part for part in (setup.problem.train, setup.problem.test) if part]
    data = {digest for part in parts for digest in part.objects}
    split = {digest for digest in (setup.problem.folds, setup.problem.public) if digest}
    brought = {
        digest
        for c in setup.candidates
        for digest in (c.code, *c.recorded.values(), begins_from(c.entrant.params))
        if digest
    }
    return data | split | brought | setup.given | setup.told_apart.keys()
