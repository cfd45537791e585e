"""An archive of a stranger's that lists more files than anybody has is refused before it is read."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile

import pytest

from concours.core.zips import MOST_LISTED, opened_zip

_MEMBER = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, *[0] * 4, 0, 0, 0, 1, *[0] * 4, 0, 0) + b"x"


def listing(size: int, *, large: bool) -> bytes:
    """An archive that is its list of files alone, of so many bytes; by the form for large ones, or the usual one."""
    listed = _MEMBER * (size // len(_MEMBER))
    if not large:
        return listed + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(listed), 0, 0)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(listed), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(listed), 1)
    return listed + end + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("large", [False, True])
def test_a_long_list_of_files_is_refused_before_it_takes_memory(tmp_path, large):
    (place := tmp_path / "x.zip").write_bytes(listing(MOST_LISTED + 1000, large=large))
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile, match="list of files"), opened_zip(place):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("large", [False, True])
def test_a_short_list_is_read(tmp_path, large):
    (place := tmp_path / "x.zip").write_bytes(listing(1000, large=large))
    with opened_zip(place) as archive:
        assert len(archive.infolist()) == 1000 // len(_MEMBER)


def test_files_of_any_size_are_read_from_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("large", bytes(MOST_LISTED + 1))
    with opened_zip(tmp_path / "x.zip") as archive:
        assert len(archive.read("large")) == MOST_LISTED + 1
    with pytest.raises(zipfile.BadZipFile), opened_zip(_file(tmp_path)):
        pass


def _file(folder):
    (place := folder / "other").write_bytes(b"no archive")
    return place
