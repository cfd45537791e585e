"""A competition of another platform, written as a folder of ours."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path

from concours.core.errors import DataError
from concours.core.visible import visible
from concours.server.hosting.archive import refuse_sizes, unpack
from concours.server.hosting.folder import FILE, files_of, from_folder
from concours.server.hosting.imports.imported import Imported
from concours.server.hosting.imports.table import FORMATS, Format
from concours.server.hosting.made import Made, require_new
from concours.server.hosting.texts import competition_toml
from concours.tasks.readers.damage import existing


def bring(source: Path, folder: Path, *, now: datetime) -> Made | None:
    """Writes another platform's competition as a folder of ours; none where it is of no format that is known.

    Args:
        source: a folder, a zip file, or of Kaggle a file of Python.

    Raises:
        ContestError: the folder is there. DataError: what is to be read is missing or damaged, or is no competition.
    """
    if not source.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="concours-import-") as aside:
        place = _laid_open(source, Path(aside))
        found = next((one for one in FORMATS if place and one.known(place)), None)
        if place is None or found is None:
            return None
        require_new(folder)
        return _write(_read(found, place, now, Path(aside)), folder, source)


def _laid_open(source: Path, aside: Path) -> Path | None:
    """The folder that a source is or holds; none where it is neither."""
    existing(source)
    if source.is_dir():
        return _alone(source)
    if source.suffix.lower() == ".py":
        (aside / "source").mkdir()
        shutil.copyfile(source, aside / "source" / source.name)
        return aside / "source"
    if zipfile.is_zipfile(source) and _may_be(source):
        return _alone(unpack(source, aside / "source"))
    return None


def _may_be(archive: Path) -> bool:
    """Whether an archive has one of the files by which formats are known: others are data, and not unpacked."""
    with zipfile.ZipFile(archive) as opened:
        return any(name.lower().endswith((".yaml", ".yml", ".py")) for name in opened.namelist())


def _alone(folder: Path) -> Path:
    """The folder, or the only one in it."""
    inner = [one for one in folder.iterdir() if one.name != "__MACOSX" and not one.name.startswith(".")]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink() else folder


def _read(format: Format, place: Path, now: datetime, aside: Path) -> Imported:
    (aside / "parts").mkdir()
    return format.read(place, now, aside / "parts")


def _write(imported: Imported, folder: Path, source: Path) -> Made:
    """All of a folder, or nothing. Raises as `bring` does."""
    head = [
        f"Written by `concours host new` from {imported.format}, {visible(source.name)}. Change what you know better."
    ]
    if imported.left:
        head += ["Not carried over, or not as it was:", *(f"- {what}: {why}" for what, why in imported.left)]
    made = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        for path, content in imported.files.items():
            _laid(content, folder / path)
        (folder / FILE).write_text(competition_toml(imported.competition, head), "utf-8")
        files = files_of(folder)
        refuse_sizes(files)
        from_folder(folder)
    except BaseException:
        for one in [folder] if made else list(folder.iterdir()):
            _gone(one)
        raise
    said = {FILE: "all that you declare", **{path: _size(folder / path) for path in imported.files}}
    return Made(folder=folder, files=said, left=imported.left)


def _laid(content: bytes | Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        to.write_bytes(content)
    elif content.is_dir():
        for path, place in files_of(content).items():
            _laid(place, to / path)
        to.mkdir(exist_ok=True)
    elif content.is_file() and not content.is_symlink():
        shutil.copyfile(content, to)
    else:
        raise DataError(f"{visible(content.name)} is a link, or no plain file: it is refused")


def _gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _size(path: Path) -> str:
    if path.is_dir():
        found = files_of(path)
        return f"{len(found):,} files" if len(found) != 1 else "1 file"
    return f"{path.stat().st_size:,} bytes"
