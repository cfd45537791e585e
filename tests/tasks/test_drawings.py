"""Pictures to learn to draw: how they are read and found, and what is said of bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from concours.core.errors import ContestError, DataError
from concours.tasks import drawings, drawings_found
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.pictures import PicturesOutput
from concours.tasks.readers.opened import Options
from concours.tasks.task import Task

KIND = KINDS["image-generation"]


def read(data, **keys):
    return drawings.read(Task(kind=KIND.name, data=data, **keys), KIND, Path())[0]


def pictures(rows: int = 12, shape: tuple[int, ...] = (4, 5)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, *shape)).astype(np.uint8)


def captioned(folder: Path, captions: list[str | None], *, files: int | None = None) -> str:
    """Pictures with a table of captions; `files`: how many of the pictures are there."""
    (folder / "img").mkdir(parents=True)
    for row, picture in enumerate(pictures(files or len(captions))):
        Image.fromarray(picture).save(folder / "img" / f"{row:02}.png")
    rows = [json.dumps({"file": f"img/{row:02}.png", "caption": text}) for row, text in enumerate(captions)]
    (folder / "captions.jsonl").write_text("\n".join(rows) + "\n")
    return str(folder)


def test_forms_of_sources(tmp_path: Path) -> None:
    """Labels, descriptions and nothing; numbers of other ranges are brought to 0 to 255, which is said."""
    labelled = read(pictures(), options={"caption": ["a", "b"] * 6})
    assert labelled.x.to_pylist()[:2] == ["a", "b"] and labelled.y.shape == (12, 4, 5, 1)
    assert "drawn by 2 labels" in labelled.notes
    bare = read(pictures().astype(float) / 255)
    np.testing.assert_array_equal(bare.y, labelled.y)
    assert "drawn without being told what" in bare.notes and "values from 0 to 1 became 0 to 255" in bare.notes
    told = read(captioned(tmp_path / "a", [f"picture {row}" for row in range(12)]))
    assert told.x.to_pylist()[3] == "picture 3" and told.text == ("caption",)
    np.testing.assert_array_equal(told.y, labelled.y)
    np.savez(tmp_path / "p.npz", x=pictures(12, (4, 5, 3)), y=np.arange(12) % 2)
    assert read(str(tmp_path / "p.npz")).y.shape == (12, 4, 5, 3)


BAD = {
    "captions without pictures": (
        lambda folder: captioned(folder, [f"p {row}" for row in range(40)], files=38),
        "2 of 40 rows name no picture that is there",
        38,
    ),
    "an empty caption": (
        lambda folder: captioned(folder, [" " if row == 4 else f"p {row}" for row in range(20)]),
        "1 of 20 pictures have no caption, first in row 5",
        19,
    ),
    "no caption": (
        lambda folder: captioned(folder, [None if row == 4 else f"p {row}" for row in range(20)]),
        "missing in 1 rows, first in row 5",
        19,
    ),
    "a broken picture": (
        lambda folder: broken(captioned(folder, [f"p {row}" for row in range(20)])),
        "img/03.png is no picture that can be read",
        19,
    ),
}


def broken(folder: str) -> str:
    (Path(folder) / "img" / "03.png").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("what", list(BAD))
def test_bad_input(what: str, tmp_path: Path) -> None:
    """What is wrong is said with file and row; such rows are left out only where that is asked for, and counted."""
    make, said, rows = BAD[what]
    data = make(tmp_path / "data")
    with pytest.raises(DataError, match=said):
        read(data)
    left = read(data, on_bad_row="skip")
    assert len(left.y) == len(left.x) == rows and "left out" in " ".join(left.warnings)


def test_pictures_without_captions_are_left_aside(tmp_path: Path) -> None:
    """Pictures that a table does not name are counted; those of another size are brought to that of most."""
    folder = captioned(tmp_path / "a", [f"p {row}" for row in range(12)])
    Image.fromarray(pictures(1, (9, 9))[0]).save(f"{folder}/img/99.png")
    Image.fromarray(pictures(1, (8, 10))[0]).save(f"{folder}/img/03.png")
    data = read(folder)
    assert any("left aside: 1 picture that it does not name" in note for note in data.notes)
    assert data.y.shape == (12, 4, 5, 1) and any("1 picture of 12 brought to 5 × 4" in told for told in data.warnings)


@pytest.mark.parametrize(
    ("data", "keys", "said"),
    [
        (pictures(5), {}, "5 pictures are too few"),
        (np.zeros((20, 4, 4), np.uint8), {}, "all 20 pictures are the same"),
        (np.zeros((20, 4, 4, 2), np.uint8), {}, "pictures of one size were expected"),
        (np.full((20, 4, 4), np.nan), {}, "picture 1 has a value that is no number"),
        (pictures(), {"options": {"caption": ["a"]}}, "must have one text a picture"),
        (pictures(), {"target": "label"}, "task.target: a task of kind image-generation has no such thing"),
        ("sklearn:iris", {}, "holds no pictures"),
        ("sklearn:digits", {"options": {"caption": "words"}}, "has no table that names its pictures"),
    ],
)
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_what_cannot_be_learned(data, keys, said) -> None:
    """One line each."""
    with pytest.raises((DataError, ContestError), match=said):
        read(data, **keys)


def test_what_to_draw(tmp_path: Path) -> None:
    """A number, a table, or a list; a label that was not learned is refused, and a description is not."""
    labels = pa.chunked_array([pa.array(["b", "a"] * 6)])
    assert drawings.renew("5", labels)[0].to_pylist() == ["a", "b", "a", "b", "a"]
    assert drawings.renew(["b"], labels)[0].to_pylist() == ["b"]
    (tmp_path / "w.csv").write_text("caption\nb\na\n")
    assert drawings.renew(str(tmp_path / "w.csv"), labels, text=("caption",))[0].to_pylist() == ["b", "a"]
    for wrong, said in (
        (["b", "c"], "row 2: 'c' is no label that was learned; known: a, b"),
        ("nowhere.csv", "neither a file nor a number"),
        (0, "from 1 to 100,000"),
    ):
        with pytest.raises(DataError, match=said):
            drawings.renew(wrong, labels)
    told = pa.chunked_array([pa.array([f"picture {row}" for row in range(9)])])
    assert drawings.renew(["something else"], told)[0].to_pylist() == ["something else"]


def test_what_is_found(tmp_path: Path) -> None:
    """Descriptions, or pictures alone, are to be drawn; labelled ones only where a person says so."""
    folder = Path(captioned(tmp_path / "a", [f"picture {row}" for row in range(12)]))
    keys = drawings_found.find(folder, Options())
    assert keys is not None and keys["caption"][0] == "caption" and keys["split"][0] == {"test": 0.3}
    assert drawings_found.find(folder / "captions.jsonl", Options()) is not None
    bare = drawings_found.find(folder / "img", Options())
    assert bare is not None and "caption" not in bare
    np.savez(tmp_path / "p.npz", x=pictures(), y=np.arange(12) % 2)
    assert drawings_found.find(tmp_path / "p.npz", Options()) is None
    assert drawings_found.find(tmp_path / "p.npz", Options(asked=True)) is not None
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert drawings_found.find(tmp_path / "t.csv", Options()) is None


def test_predictions_of_pictures() -> None:
    """Numbers are rounded and cut off, files of predictions say the same pictures, and wrong ones are told."""
    output = PicturesOutput(shape=(4, 5, 1))
    p = output.accepted(np.linspace(-9, 300, 40).reshape(2, 4, 5, 1), 2)
    assert p.dtype == np.uint8 and p.min() == 0 and p.max() == 255
    table = pa.table(output.columns(p, None, proba=False))
    np.testing.assert_array_equal(output.given(table, "f").named, p)
    assert [ending for ending, _ in output.files(p)] == [".png", ".png"]
    for wrong in (np.zeros((2, 4, 5)), np.full((2, 4, 5, 1), np.nan), pa.array(["a", "b"])):
        with pytest.raises(DataError, match="predictions must be"):
            output.accepted(wrong, 2)
    other = replace(output, shape=(5, 5, 1))
    for bad, said in ((pa.table({"prediction": ["x"]}), "this is none"), (table, "row 1: .* this is of 5 × 4 pixels")):
        with pytest.raises(DataError, match=said):
            other.given(bad, "f")
    with pytest.raises(DataError, match="a column 'prediction'"):
        output.given(pa.table({"p": [1]}), "f")


def test_folders_of_pictures_are_classes_however_few_lie_in_them(tmp_path: Path) -> None:
    """Protects a classification with a rare class from being taken for pictures that folders describe."""
    for name in ("cat/1", "cat/2", "cat/3", "cat/4", "dog/1", "dog/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pictures(1)[0]).save(tmp_path / f"{name}.png")
    assert drawings_found.find(tmp_path, Options()) is None
    assert drawings_found.find(tmp_path, Options(asked=True)) is not None


def test_regions_in_json_are_boxes_only_if_they_have_some(tmp_path: Path) -> None:
    """Protects pictures with the captions of COCO from being told that they have boxes."""
    for row, picture in enumerate(pictures(4)):
        Image.fromarray(picture).save(tmp_path / f"{row}.png")
    told = {"images": [{"id": 0, "file_name": "0.png"}], "annotations": [{"id": 0, "image_id": 0, "caption": "a bar"}]}
    (tmp_path / "captions.json").write_text(json.dumps(told))
    assert drawings_found.find(tmp_path, Options()) is not None
    told["annotations"][0]["bbox"] = [0, 0, 1, 1]
    (tmp_path / "captions.json").write_text(json.dumps(told))
    assert drawings_found.find(tmp_path, Options()) is None
