"""Programs of imported competitions, in the sandbox and bare."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from concours.engine.sandbox.box import Bounds, Box, Ended
from concours.engine.sandbox.python import places, variables
from concours.engine.sandbox.run import run
from concours.stores.memory import MemoryStore

OUT = "/app/output"


def boxed(command: str, given: Mapping[str, Path]) -> tuple[Ended, dict[str, bytes]]:
    """How a command ended that found folders at these places in a box, and what it left."""
    store = MemoryStore()
    files: dict[str, Path | bytes] = {**places()}
    for place, folder in given.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files[f"{place}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    bounds = Bounds(seconds=60)
    *_, ended = run(
        Box(command=tuple(shlex.split(command)), files=files, out=OUT, env=variables(), bounds=bounds), store.put
    )
    assert isinstance(ended, Ended)
    left = {}
    for name, digest in ended.outputs.items():
        with store.open(digest) as file:
            left[name] = file.read()
    return ended, left


def bare(command: str, given: Mapping[str, Path], out: Path) -> dict[str, bytes]:
    """What the same command leaves without a box, where every place is the folder itself."""
    out.mkdir(parents=True, exist_ok=True)
    words = shlex.split(command)
    for place, folder in sorted({**given, OUT: out}.items(), key=lambda one: -len(one[0])):
        words = [word.replace(place, str(folder)) for word in words]
    words = [sys.executable if word == "python3" else word for word in words]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in out.iterdir()}


def scoring(folder: Path, truth: str, submission: Path, together: Path) -> dict[str, Path]:
    """The places of a scorer: `/app/input` as one folder, so that it can be run bare."""
    for name, place in (("ref", folder / truth), ("res", submission)):
        if not (together / name).exists():
            (together / name).symlink_to(place)
    return {"/app/program": folder / "scorer" / "program", "/app/input": together}
