"""Results as bytes, so that an estimator that holds one can be pickled."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from concours.core.archive import unzipped, zipped
from concours.engine.prediction import needed_for
from concours.runs.result import Result

_RECORDS = ("run", "setup", "candidates", "result")


def packed(result: Result) -> bytes:
    """The files of the run folder that the default model needs, and what `Result.load` reads."""
    folder, store = result.folder.path.absolute(), result.folder.store
    candidates = {c.entrant.digest: c for c in result.candidates.values()}
    needed = needed_for(store, candidates, result.candidates[result.default or ""])
    paths = [*(folder / f"{name}.json" for name in _RECORDS), *map(store.local_path, needed)]
    return zipped({str(path.relative_to(folder)): path.read_bytes() for path in paths})


def unpacked(content: bytes) -> Result:
    """The inverse of `packed`; its folder goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="concours-"))
    for name, data in unzipped(content).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    result = Result.load(folder)
    weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result
