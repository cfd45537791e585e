"""Places: new folders of one process, below a store, where it lays out the sources that it imports."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from concours.core import links

CODE = "code"
"""The folder of a store where places lie."""


def new_place(folder: Path) -> Path:
    """A new, empty folder below one; it is named for this process, and goes with it if that ends by itself."""
    links.make_folder(folder, below=folder.parent)
    place = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=folder))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def clear_places(folder: Path, process: int) -> None:
    """Removes the places that a process has made below a folder, when it is gone."""
    for place in folder.glob(f"{process}-*"):
        shutil.rmtree(place, ignore_errors=True)
