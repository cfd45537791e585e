"""No link is followed in a folder that may come from somebody else, whichever way it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from concours.core import links
from concours.core.errors import LinkRefused

THEIRS = b"theirs\nand not to be touched"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else, with a file."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(THEIRS)
    return tmp_path / "outside"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    return tmp_path / "ours"


def to_a_file(ours: Path, outside: Path) -> None:
    (ours / "file").symlink_to(outside / "file")


def by_a_folder(ours: Path, outside: Path) -> None:
    ours.rmdir()
    ours.symlink_to(outside)


def to_nothing(ours: Path, outside: Path) -> None:
    (ours / "file").symlink_to(outside / "new")


def a_pipe(ours: Path, outside: Path) -> None:
    os.mkfifo(ours / "file")


def a_folder(ours: Path, outside: Path) -> None:
    (ours / "file").mkdir()


WAYS: dict[str, Callable[[Path], object]] = {
    "read": lambda folder: links.read(folder / "file", below=folder),
    "open to write": lambda folder: links.opened(folder / "file", os.O_RDWR | os.O_CREAT, below=folder),
    "append": lambda folder: links.opened(folder / "file", os.O_WRONLY | os.O_APPEND, below=folder),
    "look through": links.refuse_links_within,
}
IN_PLACE = [to_a_file, by_a_folder, to_nothing, a_pipe, a_folder]


@pytest.mark.parametrize(
    ("way", "trap"),
    [(way, trap) for way in WAYS for trap in IN_PLACE if (way, trap) != ("look through", a_folder)],  # may hold folders
)
def test_what_is_no_plain_file_is_refused(
    way: str, trap: Callable[[Path, Path], None], ours: Path, outside: Path
) -> None:
    """A link to a file, to nothing, by a folder; a pipe, which would never answer. What lies elsewhere stays as it is."""
    trap(ours, outside)
    with pytest.raises(LinkRefused, match=r"is a link|no plain file"):
        WAYS[way](ours)
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": THEIRS}


@pytest.mark.parametrize("name", ["file", ".file.new"])
def test_writing_follows_no_link(name: str, ours: Path, outside: Path) -> None:
    """Neither in place nor where a file is written aside; what a kill left aside is no hindrance."""
    (ours / name).symlink_to(outside / "file")
    with pytest.raises(LinkRefused, match=f"{name} is a link to"):
        links.write(ours / "file", b"ours", below=ours)
    assert (outside / "file").read_bytes() == THEIRS
    (ours / name).unlink()
    (ours / ".file.new").write_bytes(b"half of wh")
    links.write(ours / "file", b"ours", below=ours)
    assert [(path.name, path.read_bytes()) for path in ours.iterdir()] == [("file", b"ours")]


def test_what_is_written_in_place_has_one_name(ours: Path, outside: Path) -> None:
    """A second name of somebody's file is a link too; to read it does no harm."""
    os.link(outside / "file", ours / "file")
    with pytest.raises(LinkRefused, match="another file's name too"):
        links.opened(ours / "file", os.O_RDWR, below=ours)
    assert links.read(ours / "file", below=ours) == THEIRS
    links.write(ours / "file", b"ours", below=ours)
    assert (outside / "file").read_bytes() == THEIRS


def test_what_lies_above_is_its_owners(ours: Path, tmp_path: Path) -> None:
    """Who keeps runs on another disk has a link above the folder: that is followed."""
    (tmp_path / "above").symlink_to(tmp_path)
    folder = tmp_path / "above" / "ours"
    links.write(links.make_folder(folder / "a" / "b", below=folder) / "file", b"four", below=folder)
    assert links.read(ours / "a" / "b" / "file", below=ours) == b"four"
    links.refuse_links_within(folder)
    assert links.size_within(folder) == 4


def test_folders_are_not_made_through_links(ours: Path, outside: Path) -> None:
    """`mkdir` would go through one to make what lies behind it."""
    (ours / "a").symlink_to(outside)
    with pytest.raises(LinkRefused):
        links.make_folder(ours / "a" / "b", below=ours)
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_how_far_down_is_looked(depth: int, ours: Path, outside: Path) -> None:
    """As many levels as are asked for; by default all."""
    place = ours.joinpath(*"abcd"[: depth - 1])
    place.mkdir(parents=True, exist_ok=True)
    (place / "link").symlink_to(outside)
    for levels in (1, 2, 3, None):
        if levels is None or levels >= depth:
            with pytest.raises(LinkRefused):
                links.refuse_links_within(ours, levels=levels)
        else:
            links.refuse_links_within(ours, levels=levels)
