"""Archives of others are unpacked under a folder, or refused whole; nothing lies outside, whatever they say."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import ConcoursError, DataError
from concours.server.hosting import archive as module
from concours.server.hosting.archive import archive_of, unpack


def packed(path: Path, members: dict[str, bytes], *, mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.external_attr = name, mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def test_a_folder_comes_back_as_it_was_and_always_as_the_same_bytes(plants: Path, tmp_path: Path) -> None:
    one = archive_of(plants, tmp_path / "one.zip")
    for file in plants.rglob("*"):
        os.utime(file, (1, 1))
    assert archive_of(plants, tmp_path / "two.zip").read_bytes() == one.read_bytes()
    back = unpack(one, tmp_path / "back")
    files = {path.relative_to(plants): path.read_bytes() for path in plants.rglob("*") if path.is_file()}
    assert {path.relative_to(back): path.read_bytes() for path in back.rglob("*") if path.is_file()} == files


OUTSIDE = [
    "../x",
    "a/../../x",
    "/x",
    "//x",
    "..",
    "a/..",
    "..\\x",
    "C:/x",
    "C:x",
    "\x1b[31m",
    "",
    ".",
    "a" * 500,
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    with pytest.raises(DataError) as raised:
        unpack(packed(inner / "x.zip", {"good.txt": b"1", name: b"evil"}), inner / "out")
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "x.zip"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    st.lists(
        st.lists(st.sampled_from(["..", ".", "a", "b", "c.csv", "/", "\\", "~", "con", " "]), min_size=1, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_names_there_are_nothing_lies_outside(tmp_path_factory, parts) -> None:
    place = tmp_path_factory.mktemp("any")
    members = {"/".join(some): b"x" for some in parts}
    archive = packed(place / "x.zip", members)
    try:
        unpack(archive, place / "in" / "out")
    except ConcoursError:
        assert not (place / "in" / "out").exists()
    assert {path.name for path in place.iterdir()} <= {"x.zip", "in"}
    assert {path.name for path in (place / "in").iterdir()} <= {"out"} if (place / "in").exists() else True


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644, 0o060644, 0o140644])
def test_links_and_devices_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(DataError, match="a link or a device"):
        unpack(packed(tmp_path / "x.zip", {"data/link": b"/etc/passwd"}, mode=mode), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("a/b/c", "a/b")])
def test_names_that_stand_twice_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"1")
    with pytest.raises(DataError, match="it is refused"):
        unpack(tmp_path / "x.zip", tmp_path / "out")


def test_bombs_are_refused_before_and_while_they_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FREELY", 1 << 16)
    bomb = packed(tmp_path / "bomb.zip", {f"{number}.csv": bytes(1 << 20) for number in range(4)})
    with pytest.raises(DataError, match="refused as a bomb"):
        unpack(bomb, tmp_path / "out")
    with pytest.raises(DataError, match="at most are taken"):
        unpack(packed(tmp_path / "large.zip", {"a": os.urandom(5000)}), tmp_path / "out", most_bytes=4000)


def test_a_file_that_is_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {"a.csv": b"1" * 10_000})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 10_000), struct.pack("<I", 10)))
    with pytest.raises(DataError):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 50)
    with pytest.raises(DataError, match="51 files; 50 at most"):
        unpack(packed(tmp_path / "x.zip", {f"{number}": b"" for number in range(51)}), tmp_path / "out")


@given(st.binary(max_size=300))
def test_what_is_no_archive_is_told(tmp_path_factory, content: bytes) -> None:
    place = tmp_path_factory.mktemp("none")
    (place / "x.zip").write_bytes(content)
    with pytest.raises(ConcoursError):
        unpack(place / "x.zip", place / "out")


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_archive_is_refused_or_read_and_nothing_else(tmp_path_factory, data: st.DataObject) -> None:
    place = tmp_path_factory.mktemp("damaged")
    content = bytearray(packed(place / "x.zip", {"a.csv": b"x,y\n1,2\n", "b/c.csv": b"z\n" * 40}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (place / "x.zip").write_bytes(bytes(content))
    try:
        unpack(place / "x.zip", place / "out")
    except ConcoursError:
        assert not (place / "out").exists()
    assert {path.name for path in place.iterdir()} <= {"x.zip", "out"}
