"""Results as bytes, so that an estimator that holds one can be pickled, and a model sent to a server."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from io import BytesIO
from pathlib import Path

from concours.core.archive import unzipped, zipped
from concours.core.errors import ContentRefused
from concours.engine.prediction import needed_for
from concours.runs.result import Result
from concours.stores.disk import DiskStore

_RECORDS = ("run", "setup", "candidates", "result")
_OBJECTS = "objects/"


def packed(result: Result, model: str | None = None, *, rows: bool = False) -> bytes:
    """The files of the run folder that a model needs, by default the default one, and what `Result.load` reads.

    Args:
        rows: whether the rows that were fitted on, and those that judge, go along, by which new rows are read, and
            what the model said of them, with which a watch compares what it answers.
    """
    folder, store, problem = result.folder.path.absolute(), result.folder.store, result.setup.problem
    candidates = {c.entrant.digest: c for c in result.candidates.values()}
    candidate = result.candidate(model)
    needed = needed_for(store, candidates, candidate)
    if rows:
        needed |= {part.x for part in (problem.train, problem.test) if part is not None}
        needed |= {said for said in (candidate.oof, candidate.test) if said is not None}
    files = {f"{name}.json": (folder / f"{name}.json").read_bytes() for name in _RECORDS}
    return zipped(files | {f"{_OBJECTS}{digest}": store.local_path(digest).read_bytes() for digest in needed})


def unpacked(content: bytes) -> Result:
    """The inverse of `packed`; its folder goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="concours-"))
    result = unpacked_into(folder, content)
    weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


def unpacked_into(folder: Path, content: bytes) -> Result:
    """The same in a folder that is there, of bytes from elsewhere.

    Raises:
        ContentRefused: they are no such archive, or something in it is not what it should be.
        RunFolderError: what is in it is no result.
    """
    store = DiskStore(folder / "store")
    for name, data in unzipped(content).items():
        if name.startswith(_OBJECTS):
            if store.put(BytesIO(data)) != name.removeprefix(_OBJECTS):
                raise ContentRefused(f"{name!r} is not what its name says")
        elif name.removesuffix(".json") in _RECORDS:
            (folder / name).write_bytes(data)
        else:
            raise ContentRefused(f"{name!r} is no file of a run")
    return Result.load(folder)
