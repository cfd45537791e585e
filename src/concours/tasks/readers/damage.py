"""Files of others before they are believed: what is missing, no file, damaged or a bomb is told in one line."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from concours.core.errors import ConcoursError, DataError
from concours.core.visible import shortened

_BOMB_BYTES = 1 << 30
_BOMB_RATIO = 1000
LARGE = 1 << 26
"""Bytes below which looking how much memory is free is not worth its time."""
_TOLD = 200
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, UnicodeError)


def existing(path: Path) -> Path:
    """The path of a file or a folder.

    Raises:
        DataError: nothing is there, and the message has the nearest name; or it is a device, a pipe or a socket, which
            may never end and cannot be read twice; or its name is not UTF-8, which libraries of tables want.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DataError(f"{path}: its name is not UTF-8: rename it") from None
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        names = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, names, 1, 0.5)
        said = f"{shortened(str(path), _TOLD)} does not exist"
        raise DataError(said + (f"; did you mean {near[0]!r}?" if near else "")) from None
    except OSError as error:
        raise DataError(f"{shortened(str(path), _TOLD)} cannot be read: {error.strerror}") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{path} is no file but a device, a pipe or a socket: save what comes of it in a file first")
    return path


def named_in_utf8(name: str, where: str) -> str:
    """The name of a file of a folder or an archive, which may become a label or stand in a result.

    Raises:
        DataError: it is not UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(f"{where} holds a file whose name is not UTF-8, {name!r}: rename it") from None
    return name


@contextmanager
def damage_named(name: str) -> Iterator[None]:
    """What a damaged file raises, as a `DataError` that names it.

    Readers of formats raise whatever damaged bytes make them, so that no list of errors is complete.
    """
    try:
        yield
    except ConcoursError:
        raise
    except MemoryError as error:
        raise DataError(f"{name} is damaged, or needs more than the memory that is free") from error
    except RecursionError as error:
        raise DataError(f"{name} is damaged, or what is in it lies within itself too deeply") from error
    except OSError as error:
        why = f"cannot be read: {error.strerror}" if error.errno is not None else f"is damaged: {_words(error)}"
        raise DataError(f"{name} {why}") from error
    except _DAMAGE as error:
        raise DataError(f"{name} is damaged: {_words(error)}") from error
    except Exception as error:
        raise DataError(
            f"{name} cannot be read ({type(error).__name__}: {_words(error)}): it is damaged, or not what its name says"
        ) from error


def refuse_bomb(name: str, size: int, packed: int, *, whole: bool = True) -> None:
    """Raises a `DataError` where `packed` bytes would become more than an honest file, or than memory, would hold."""
    if size > _BOMB_BYTES and size > _BOMB_RATIO * packed:
        raise DataError(f"{name} unpacks to more than {_BOMB_RATIO} times its size: it is refused as a bomb")
    if whole and size > LARGE:
        import psutil  # few files are so large, and every command reads some

        if size > (free := psutil.virtual_memory().available):
            raise DataError(f"{name} unpacks to more than the free memory ({free / 1e9:.1f} GB)")


def _words(error: Exception) -> str:
    text = str(error).strip()
    return shortened(text.splitlines()[0], _TOLD) if text else type(error).__name__
