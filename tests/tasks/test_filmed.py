"""Clips with classes: which files make one, what is read of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from concours.core.errors import DataError
from concours.tasks.filmed import filmed, find, read, renew
from concours.tasks.kinds import kind_named
from concours.tasks.readers.opened import Options
from concours.tasks.task import Task

KIND = kind_named("video-classification")


def _clip(seed: int = 0, frames: int = 5, size: tuple[int, int] = (6, 8)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, *size, 3)).astype(np.uint8)


def _arrays(folder: Path, rows: int = 6) -> Path:
    for row in range(rows):
        place = folder / ("left", "right")[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{'abc'[row // 2]}x_{row}.npy", _clip(row))
    return folder


def _frames(folder: Path, rows: int = 6) -> Path:
    for row in range(rows):
        place = folder / ("left", "right")[row % 2] / f"{'abc'[row // 2]}x_{row}"
        place.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(_clip(row)):
            Image.fromarray(frame).save(place / f"{number}.png")
    return folder


def _read(folder: Path, **more):
    return read(Task(kind="video-classification", data=str(folder), **more), KIND, Path())


@pytest.mark.parametrize("lay", [_arrays, _frames])
def test_clips_are_read_with_what_folders_and_names_tell(tmp_path, lay):
    """Protects frames and their order, labels, names and groups, however clips lie."""
    data, test = _read(lay(tmp_path), target="folder", id="file", options={"file_name": "{scene}_{n}"})
    assert test is None
    assert data.x.shape == (6, 5, 6, 8, 3)
    np.testing.assert_array_equal(data.x[0], _clip(0))
    assert sorted(data.y.tolist()) == ["left"] * 3 + ["right"] * 3
    assert data.beside["scene"].to_pylist() == ["ax", "bx", "cx"] * 2


def test_frames_are_in_the_order_in_which_people_count(tmp_path):
    """Protects the order of time where numbers have no noughts before them: 10 comes after 2."""
    for row, label in enumerate("abab"):
        place = tmp_path / label / f"clip{row}"
        place.mkdir(parents=True)
        for number in range(1, 13):
            Image.new("RGB", (4, 4), (number, 0, 0)).save(place / f"f{number}.png")
    assert _read(tmp_path)[0].x[0, :, 0, 0, 0].tolist() == [*range(1, 13)]


def test_an_archive_is_read_as_its_folder(tmp_path):
    """Protects clips that are packed, whose files come in the order of the archive."""
    import zipfile

    _frames(tmp_path / "clips")
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        for file in sorted((tmp_path / "clips").rglob("*.png"), reverse=True):
            archive.write(file, file.relative_to(tmp_path / "clips"))
    plain, packed = _read(tmp_path / "clips")[0], _read(tmp_path / "clips.zip")[0]
    np.testing.assert_array_equal(plain.x, packed.x)


def test_long_and_large_clips_become_few_small_frames(tmp_path):
    """Protects memory: at most 16 frames, the first and the last among them, of at most 64 pixels."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(2):
            ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None, None], (100, 80, 160, 3))
            np.savez(tmp_path / label / f"{number}.npz", ramp)
    data, _ = _read(tmp_path)
    assert data.x.shape == (4, 16, 32, 64, 3)
    assert data.x[0, :, 0, 0, 0].tolist() == np.rint(np.linspace(0, 99, 16)).astype(int).tolist()


def test_clips_of_different_lengths_and_sizes_are_brought_together_and_it_is_said(tmp_path):
    """Protects from silence about frames that come twice."""
    _arrays(tmp_path)
    np.save(tmp_path / "left" / "ax_0.npy", _clip(0, frames=3, size=(12, 16)))
    data, _ = _read(tmp_path)
    assert data.x.shape == (6, 5, 6, 8, 3)
    assert any("1 clip of 6 with fewer than 5 frames" in text for text in data.warnings)
    assert any("1 clip of 6 brought to 8 × 6 pixels" in text for text in data.warnings)


def test_a_folder_called_test_judges(tmp_path):
    """Protects the split of whoever made the data."""
    _arrays(tmp_path / "train")
    _arrays(tmp_path / "test", rows=4)
    data, test = _read(tmp_path)
    assert (len(data), len(test)) == (6, 4)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "ax_0.npy is empty"),
        (b"no array", "ax_0.npy is no clip that can be read"),
        (np.zeros((1, 6, 8, 3), dtype=np.uint8), "it has one frame, and two were expected at least"),
        (np.zeros((4, 4), dtype=np.uint8), "frames (frames, height, width[, colours]) were expected"),
        (np.full((3, 6, 8, 3), 1e9), "from 0 to 255"),
    ],
)
def test_bad_clips_are_named_and_left_out_only_where_asked(tmp_path, content, why):
    """Protects from silence: what is bad is named with its file; skipped where the contest says so, and counted."""
    file = _arrays(tmp_path) / "left" / "ax_0.npy"
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    with pytest.raises(DataError, match="on_bad_row") as error:
        _read(tmp_path)
    assert why in str(error.value)
    data, _ = _read(tmp_path, on_bad_row="skip")
    assert len(data) == 5
    assert any("1 clip left out as broken; first: left/ax_0.npy" in text for text in data.warnings)


def test_frames_of_several_sizes_are_no_clip(tmp_path):
    """Protects from frames of something else in a folder."""
    Image.fromarray(np.zeros((3, 3, 3), dtype=np.uint8)).save(_frames(tmp_path) / "left" / "ax_0" / "4.png")
    with pytest.raises(DataError, match="its frames are of several sizes, 8 × 6 pixels first"):
        _read(tmp_path)


def test_films_are_read_and_without_the_library_its_extra_is_named(tmp_path, monkeypatch):
    """Protects films, beside the frames that they were made of; and the message to those who lack PyAV."""
    av = pytest.importorskip("av")
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(2):
            with av.open(str(tmp_path / label / f"{number}.mp4"), "w") as film:
                stream = film.add_stream("mpeg4", rate=10)
                stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
                for bright in (40, 120, 200):
                    frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), bright, dtype=np.uint8), format="rgb24")
                    film.mux(stream.encode(frame))
                film.mux(stream.encode())
    data, _ = _read(tmp_path)
    assert data.x.shape == (4, 3, 16, 32, 3)
    np.testing.assert_allclose(data.x.mean(axis=(2, 3, 4))[0], [40, 120, 200], atol=6)
    monkeypatch.setattr("concours.tasks.readers.clips.installed", lambda module: False)
    with pytest.raises(DataError, match=r"pip install 'concours\[video\]'"):
        _read(tmp_path)


def test_new_finds_clips_and_what_keeps_together(tmp_path):
    """Protects folders of frames from being taken for pictures, and pictures in a folder a class from being clips."""
    keys = find(_frames(tmp_path / "clips"), Options())
    assert keys["target"][0] == "folder"
    assert keys["split"][0]["group"] == "part1"
    for label in ("cats", "dogs"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "pictures" / label / f"{number}.png")
    assert find(tmp_path / "pictures", Options()) is None


def test_new_clips_are_brought_to_the_form_of_the_others(tmp_path):
    """Protects predicting: as many frames, of the size, and what rows are called."""
    x, opened = renew(_arrays(tmp_path), np.zeros((1, 4, 3, 4, 3), dtype=np.uint8))
    assert x.shape == (6, 4, 3, 4, 3)
    assert opened.x["file"].to_pylist()[0] == "left/ax_0.npy"
    with pytest.raises(DataError, match="were expected"):
        renew(np.zeros((2, 5, 6, 8, 3), dtype=np.uint8), np.zeros((1, 4, 6, 8, 3), dtype=np.uint8))


def test_clips_in_python():
    """Protects arrays that are given as they are."""
    data, _ = read(Task(kind="video-classification", data=np.zeros((4, 3, 5, 6)), target=["a", "b"] * 2), KIND, Path())
    assert data.x.shape == (4, 3, 5, 6, 3)
    with pytest.raises(DataError, match="at most 16 of 64 pixels"):
        read(Task(kind="video-classification", data=np.zeros((2, 30, 5, 6)), target=["a", "b"]), KIND, Path())


def test_nothing_is_no_clip(tmp_path):
    """Protects the message to whoever has something else."""
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(DataError, match="lay clips into a folder a class"):
        filmed(tmp_path, None)


def test_clips_of_one_sort_are_taken_and_the_others_told(tmp_path):
    """Protects a folder of frames beside films: what is not read is said."""
    _frames(tmp_path)
    np.save(tmp_path / "left" / "one.npy", _clip())
    data, _ = _read(tmp_path)
    assert len(data) == 6
    assert "left aside: 1 films and arrays; first: left/one.npy" in data.notes


def test_clips_without_labels_are_told_how_these_are_given(tmp_path):
    """Protects a person with clips from words about sounds."""
    np.save(tmp_path / "one.npy", _clip())
    np.save(tmp_path / "two.npy", _clip(1))
    with pytest.raises(DataError, match="has no labels: lay clips into a folder a class"):
        _read(tmp_path)
