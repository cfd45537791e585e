"""Folders and archives of pictures and texts."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from concours.core.errors import DataError
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source


def picture(shade: int, size: tuple[int, int] = (4, 3), mode: str = "RGB", form: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, {"RGB": (shade, 0, 255 - shade), "L": shade}.get(mode, shade)).save(buffer, form)
    return buffer.getvalue()


def laid(folder: Path, files: dict[str, bytes], how: str = "folder") -> str:
    """The files in a folder or an archive called `set`."""
    if how == "zip":
        with zipfile.ZipFile(folder / "set.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return "set.zip"
    if how == "tar.gz":
        with tarfile.open(folder / "set.tar.gz", "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return "set.tar.gz"
    for name, content in files.items():
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return "set"


HOW = pytest.mark.parametrize("how", ["folder", "zip", "tar.gz"])


@HOW
def test_a_folder_a_class(how, tmp_path):
    """Pictures in a folder a class, sorted by class and name however they lie; README and hidden files do not count."""
    files = {f"{c}/{i}.png": picture(10 * i + (c == "dog")) for i in (2, 0, 1) for c in ("dog", "cat")}
    source = laid(tmp_path, {"README.md": b"#", "cat/.DS_Store": b"x", **files}, how)
    found = open_source(source, tmp_path)
    assert found.x.shape == (6, 3, 4, 3)
    assert found.x.dtype == np.uint8
    assert found.x[:, 0, 0, 0].tolist() == [0, 10, 20, 1, 11, 21]
    assert found.y.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert found.test is None


@HOW
def test_train_and_test(how, tmp_path):
    """Folders `train` and `test` above the classes: the second is the test part, whatever stands above both."""
    files = {f"pics/{part}/{c}/0.png": picture(1) for part in ("train", "test") for c in ("cat", "dog")}
    found = open_source(laid(tmp_path, files, how), tmp_path)
    assert (found.y.tolist(), found.test.y.tolist(), len(found.test.x)) == (["cat", "dog"], ["cat", "dog"], 2)


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_validation_folders(how, tmp_path):
    """A validation folder is the test part where there is no other, and joins train where there is; a note says so."""
    files = {f"{part}/{c}/0.png": picture(1) for part in ("Train", "Valid") for c in ("cat", "dog")}
    found = open_source(laid(tmp_path, files, how), tmp_path)
    assert (found.y.tolist(), found.test.y.tolist()) == (["cat", "dog"], ["cat", "dog"])
    assert "folder 'valid' is the test part" in found.notes
    (tmp_path / "more").mkdir()
    files |= {"test/cat/0.png": picture(1)}
    found = open_source(laid(tmp_path / "more", files, how), tmp_path / "more")
    assert (found.y.tolist(), found.test.y.tolist()) == (["cat", "cat", "dog", "dog"], ["cat"])
    assert "folder 'valid' joins train, beside test" in found.notes


def test_names_that_begin_as_those_of_notes_do(tmp_path):
    """A class `noticeable` and a picture `license-plate` count; only files that are called so throughout do not."""
    names = ("noticeable/a.png", "citation/license-plate.png", "__MACOSX/a.png", ".x/a.png", "citation/LICENSE.txt")
    found = open_source(laid(tmp_path, {name: picture(1) for name in names}), tmp_path)
    assert found.y.tolist() == ["citation", "noticeable"]


@pytest.mark.parametrize("form", ["jpeg", "png", "gif", "bmp", "webp", "tiff", "ppm"])
def test_formats(form, tmp_path):
    """Grey stays grey where all are, and the format does not matter."""
    source = laid(tmp_path, {f"{c}/a.{form}": picture(100, mode="L", form=form) for c in "xy"})
    x = open_source(source, tmp_path).x
    assert x.shape[1:3] == (3, 4)
    assert abs(x.reshape(2, -1)[:, 0].astype(int) - 100).max() <= 2


@HOW
def test_other_sizes(how, tmp_path):
    """Where sizes differ, all get the size of most, which is said; large ones are made smaller; one in colour makes all so."""
    files = {
        "a/1.png": picture(1),
        "a/2.png": picture(2, (8, 6)),
        "b/3.png": picture(3),
        "b/4.png": picture(9, mode="L"),
    }
    found = open_source(laid(tmp_path, files, how), tmp_path)
    assert found.x.shape == (4, 3, 4, 3)
    assert found.warnings == (f"{found.name}: 1 picture of 4 brought to 4 × 3 pixels",)
    assert (found.x[:, 1, 1, 0] == [1, 2, 3, 9]).all()
    (tmp_path / "large").mkdir()
    source = laid(tmp_path / "large", {f"{c}/1.png": picture(1, (1024, 512)) for c in "ab"}, how)
    assert open_source(source, tmp_path / "large").x.shape == (2, 128, 256, 3)


@HOW
def test_broken_pictures(how, tmp_path):
    """Broken pictures are named with the cure; left out, they are counted."""
    good = {f"{c}/{i}.png": picture(i) for c in "ab" for i in range(3)}
    files = {**good, "a/9.png": b"not a picture", "b/8.png": picture(5)[:40], "b/7.png": b""}
    source = laid(tmp_path, files, how)
    with pytest.raises(DataError, match=r'(a/9|b/8|b/7)\.png is no picture that can be read: .*on_bad_row = "skip"'):
        open_source(source, tmp_path)
    found = open_source(source, tmp_path, Options(on_bad_row="skip"))
    assert (len(found.x), found.y.tolist()) == (6, ["a"] * 3 + ["b"] * 3)
    assert "3 pictures left out as broken; first: " in found.warnings[0]


@HOW
def test_texts_in_a_folder_a_class(how, tmp_path):
    """Files of text, each in its own encoding."""
    files = {
        "neg/1.txt": "schlecht, für mich".encode("latin-1"),
        "neg/2.txt": "böse".encode(),
        "pos/1.txt": "gut\n".encode("utf-16"),
    }
    found = open_source(laid(tmp_path, files, how), tmp_path)
    assert found.x.to_pylist() == ["schlecht, für mich", "böse", "gut"]
    assert found.y.tolist() == ["neg", "neg", "pos"]
    assert "not all UTF-8" in found.warnings[0]
    with pytest.raises(DataError, match="unknown encoding 'utf-9'"):
        open_source(found.name, tmp_path, Options(encoding="utf-9"))


@HOW
def test_a_file_a_class(how, tmp_path):
    """A row a line, and the class is what the names differ in; only line ends end a line."""
    one = {"set/README.txt": b"about", "set/rt.neg": b"bad\nworse \n\n", "set/rt.pos": "fine\u2028still\n".encode()}
    found = open_source(laid(tmp_path, one, how), tmp_path)
    assert found.x.to_pylist() == ["bad", "worse", "fine\u2028still"]
    assert found.y.tolist() == ["neg", "neg", "pos"]


def test_empty_lines_between_texts_are_told(tmp_path):
    """A row a line: who counts lines has to know which were none; what ends a file is nothing."""
    found = open_source(laid(tmp_path, {"a.txt": b"one\n\ntwo\n \nthree\n\n", "b.txt": b"four\nfive\n\n\n"}), tmp_path)
    assert found.x.to_pylist() == ["one", "two", "three", "four", "five"]
    assert found.warnings == ("set: 2 empty lines left out; first: a.txt, line 2",)
    lone = open_source("set/a.txt", tmp_path, Options(input="text"))
    assert len(lone.x) == 3
    assert lone.warnings == ("2 empty lines left out; first: a.txt, line 2",)


def test_one_archive_in_a_folder(tmp_path):
    """A folder with an archive and a README is that archive."""
    laid(tmp_path, {f"{c}/1.png": picture(1) for c in "ab"}, "zip")
    (tmp_path / "README.md").write_text("#")
    assert open_source(".", tmp_path).y.tolist() == ["a", "b"]


def test_one_archive_in_a_relative_folder(tmp_path, monkeypatch):
    """The folder where paths begin counts once."""
    (tmp_path / "in" / "d").mkdir(parents=True)
    laid(tmp_path / "in" / "d", {f"{c}/1.png": picture(1) for c in "ab"}, "zip")
    monkeypatch.chdir(tmp_path)
    assert open_source("d", Path("in")).y.tolist() == ["a", "b"]


def test_nothing_to_read(tmp_path):
    """A folder without data, a file without a class, one picture, a name that is not there."""
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match="set holds no table, text or picture; it has: nothing"):
        open_source("set", tmp_path)
    laid(tmp_path, {"a/1.png": picture(1), "b/1.png": picture(1), "lone.png": picture(1)})
    with pytest.raises(DataError, match=r"'lone\.png' lies beside the folders of the classes"):
        open_source("set", tmp_path)
    with pytest.raises(DataError, match=r"lone\.png is one picture"):
        open_source("set/lone.png", tmp_path)
    with pytest.raises(DataError, match=r"sett does not exist; did you mean 'set'\?"):
        open_source("sett", tmp_path)


def drawn(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def test_what_can_be_seen_through_lies_upon_white(tmp_path):
    """Protects drawings whose form is in their transparency alone, which would all be black without it."""
    form = np.zeros((3, 4, 4), np.uint8)
    form[1, 1:3, 3] = 255
    files = {f"{c}/a.png": drawn(Image.fromarray(form), "png") for c in "xy"}
    x = open_source(laid(tmp_path, files), tmp_path).x
    np.testing.assert_array_equal(x[0], np.broadcast_to(255 - form[..., 3:], (3, 4, 3)))


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_of_16_bits_the_upper_ones_are_kept_and_it_is_said(form, tmp_path):
    """Protects deep pictures from being cut off at 255, whatever format they are in."""
    deep = np.full((3, 4), 0x8040, np.uint16)
    found = open_source(laid(tmp_path, {f"{c}/a.{form}": drawn(Image.fromarray(deep), form) for c in "xy"}), tmp_path)
    assert (found.x == 0x80).all() and found.x.shape == (2, 3, 4)
    assert found.warnings == (f"{found.name}: of 2 pictures of 16 bits a pixel the upper 8 bits are kept",)


@pytest.mark.parametrize(
    ("values", "why"), [(np.float32(0.5), "are fractions"), (np.int32(70_000), "go from 70000 to 70000")]
)
def test_values_that_are_no_shades_are_refused(values, why, tmp_path):
    """Protects measurements kept as pictures from being cut to black and white without a word."""
    file = drawn(Image.fromarray(np.full((3, 4), values)), "tiff")
    with pytest.raises(DataError, match=why):
        open_source(laid(tmp_path, {"a/1.tif": file, "b/1.tif": file}), tmp_path)


def test_files_among_pictures_that_are_none_are_said(tmp_path):
    """Protects people who take a file for a row of their set; what systems leave behind does not count."""
    files = {f"{c}/{i}.png": picture(i) for c in "ab" for i in range(2)}
    junk = {"a/.DS_Store": b"x", "a/Thumbs.db": b"x", "b/desktop.ini": b"x"}
    found = open_source(laid(tmp_path, {**files, **junk}), tmp_path)
    assert not [note for note in found.notes if "left aside" in note]
    (tmp_path / "more").mkdir()
    found = open_source(laid(tmp_path / "more", {**files, "b/9.heic": b"x", "b/8.heic": b"x"}), tmp_path / "more")
    assert "left aside: 2 files (.heic); first: b/8.heic" in found.notes


CAPTIONS = {
    "names": b'image,caption\n1.png,one\n0.png,naught\n1.png,"one, again"\n',
    "numbered": b"1.png#0\tone\n0.png#0\tnaught\n1.png#1\tone, again\n",
}


@pytest.mark.parametrize("form", CAPTIONS)
def test_a_table_of_pictures_may_be_a_file_of_text(form, tmp_path):
    """Protects what is told of pictures where the file is called `captions.txt`, as many sets have it."""
    files = {f"images/{i}.png": picture(i) for i in range(2)}
    found = open_source(laid(tmp_path, {**files, "captions.txt": CAPTIONS[form]}), tmp_path)
    assert (found.x[:, 0, 0, 0].tolist(), found.y.tolist()) == ([1, 0, 1], ["one", "naught", "one, again"])


def test_a_text_beside_each_picture_tells_it(tmp_path):
    """Protects what is told of pictures by files of their names; where some lack one, all are left aside, and it is said."""
    files = {
        f"{i}.{ending}": content for i in range(3) for ending, content in (("png", picture(i)), ("txt", b"n %d\n" % i))
    }
    found = open_source(laid(tmp_path, files), tmp_path)
    assert found.y.tolist() == ["n 0", "n 1", "n 2"] and found.target == "text"
    assert "3 texts, in files called as the pictures are" in found.notes
    (tmp_path / "set" / "1.txt").unlink()
    found = open_source("set", tmp_path)
    assert found.y is None and "left aside: 2 files (.txt); first: 0.txt" in found.notes


def test_paths_in_a_table_may_begin_in_a_folder_above(tmp_path):
    """Protects tables that were written where the set lay before; where no column names pictures, that is said."""
    files = {f"img/{i}.png": picture(i) for i in range(2)}
    rows = b"path,label\n/data/set/img/1.png,one\nC:\\\\set\\\\img\\\\0.png,naught\n".replace(b"\\\\", b"\\")
    found = open_source(laid(tmp_path, {**files, "labels.csv": rows}), tmp_path)
    assert (found.x[:, 0, 0, 0].tolist(), found.y.tolist()) == ([1, 0], ["one", "naught"])
    (tmp_path / "set" / "labels.csv").write_bytes(b"path,label\n7.png,one\n8.png,naught\n")
    found = open_source("set", tmp_path)
    assert "left aside: labels.csv, of which no column names the pictures" in found.notes


def test_new_pictures_are_called_by_their_files(tmp_path):
    """Protects files of predictions: which picture a row is, of a folder as of one picture alone."""
    source = laid(tmp_path, {f"{c}/{i}.png": picture(i) for c in "ab" for i in range(2)})
    rows = Options(unit="row", input="image", shape=(3, 4, 3))
    assert open_source(source, tmp_path, rows).files == ("a/0.png", "a/1.png", "b/0.png", "b/1.png")
    alone = open_source("set/b/1.png", tmp_path, rows)
    assert (alone.files, alone.x.shape) == (("1.png",), (1, 3, 4, 3))
    with pytest.raises(DataError, match="is one picture; give the folder"):
        open_source("set/b/1.png", tmp_path)
