"""Pictures with masks: which belong together, what is read of them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from concours.core.errors import DataError
from concours.core.written import written
from concours.entrants.coloured import ColourSegmenter, ThresholdSegmenter, TypicalMasks
from concours.entrants.filtered import PixelForest
from concours.kernels.joining.blending import blend
from concours.tasks.kinds import kind_named
from concours.tasks.labelled import Labelled
from concours.tasks.masked import find, read, renew
from concours.tasks.outputs.masks import MasksOutput
from concours.tasks.readers.archives import files_of
from concours.tasks.readers.coco_masks import region_of
from concours.tasks.readers.mask_pairs import paired
from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task

KIND = kind_named("segmentation")


def _save(path: Path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)


def _folder(folder: Path, rows: int = 4) -> Path:
    rng = np.random.default_rng(0)
    for row in range(rows):
        picture = rng.integers(0, 50, (6, 8, 3))
        mask = np.zeros((6, 8))
        mask[1:3, row : row + 2] = 255
        picture[mask > 0] += 150
        _save(folder / "images" / f"{'ab'[row % 2]}x_{row}.png", picture)
        _save(folder / "masks" / f"{'ab'[row % 2]}x_{row}.png", mask)
    return folder


def _read(folder: Path, **more):
    return read(Task(kind="segmentation", data=str(folder), **more), KIND, Path())


@pytest.mark.parametrize(
    ("picture", "mask", "together"),
    [
        ("images/a.png", "masks/a.png", True),
        ("train/img/a.jpg", "train/label/a.png", True),
        ("JPEGImages/a.jpg", "SegmentationClass/a.png", True),
        ("a.jpg", "a_mask.png", True),
        ("x/a_image.png", "x/a_gt.png", True),
        ("cats/a.png", "dogs/a.png", False),
        ("no_mask/a.png", "mask/a.png", False),
        ("train/images/a.png", "test/masks/a.png", False),
        ("images/a.png", "masks/b.png", False),
    ],
)
def test_names_tell_what_belongs_together(tmp_path, picture, mask, together):
    """Protects folders a class, in which the same names are different pictures, from being taken for masks."""
    for name in (picture, mask):
        _save(tmp_path / name, np.zeros((2, 2)))
    found = paired(files_of(tmp_path))
    assert ([(pair.picture, pair.mask) for pair in found.pairs] == [(picture, mask)]) if together else found is None


def test_masks_are_read_with_what_names_tell(tmp_path):
    """Protects values, sizes, names and groups of pictures."""
    data, test = _read(_folder(tmp_path), options={"file_name": "{place}_{n}"}, labels={"255": "thing"}, id="file")
    assert test is None
    assert data.x.shape == (4, 6, 8, 3)
    assert data.y.codes.shape == (4, 6, 8)
    assert data.y.labels == ("0", "thing")
    assert data.y.codes.sum() == 16
    assert data.beside["place"].to_pylist() == ["ax", "ax", "bx", "bx"]
    assert data.ids[0].as_py() == "images/ax_0.png"


def test_a_folder_called_test_judges(tmp_path):
    """Protects the split of whoever made the data."""
    _folder(tmp_path / "train")
    _folder(tmp_path / "test", rows=2)
    data, test = _read(tmp_path)
    assert (len(data), len(test)) == (4, 2)


def test_larger_pictures_are_made_smaller_with_their_masks(tmp_path):
    """Protects labels from being mixed: masks are made smaller by the nearest pixel, and it is said."""
    mask = np.zeros((300, 600))
    mask[:, 300:] = 7
    _save(tmp_path / "images" / "a.png", np.repeat(mask[..., None], 3, axis=2))
    _save(tmp_path / "masks" / "a.png", mask)
    data, _ = _read(tmp_path)
    assert data.y.codes.shape == (1, 128, 256)
    assert set(np.unique(data.y.codes)) == {0, 1}
    assert "1 picture of 1, with their masks, brought to 256 × 128 pixels" in data.warnings[0]


def test_colours_are_labels(tmp_path):
    """Protects masks that are painted in colours."""
    mask = np.zeros((2, 3, 3))
    mask[0, 0] = (255, 0, 128)
    _save(tmp_path / "a.png", mask)
    _save(tmp_path / "a_mask.png", mask)
    data, _ = _read(tmp_path)
    assert data.y.labels == ("#000000", "#ff0080")


def _wrong_size(folder):
    _save(folder / "masks" / "ax_0.png", np.zeros((3, 3)))


def _unknown(folder):
    mask = np.zeros((6, 8))
    mask[0, 0] = 9
    _save(folder / "masks" / "ax_0.png", mask)


def _broken(folder):
    (folder / "masks" / "ax_0.png").write_bytes(b"no picture")


def _empty(folder):
    (folder / "masks" / "ax_0.png").write_bytes(b"")


def _no_picture(folder):
    (folder / "images" / "ax_0.png").unlink()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_wrong_size, "masks/ax_0.png: it and its picture are of different sizes, 3 × 3 and 8 × 6 pixels"),
        (_unknown, "masks/ax_0.png: it has the label '9', which is not among those of the task"),
        (_broken, "masks/ax_0.png: it is no picture that can be read"),
        (_empty, "masks/ax_0.png: the file is empty"),
        (_no_picture, "masks/ax_0.png: its picture is not there"),
    ],
)
def test_bad_masks_are_named_and_left_out_only_where_asked(tmp_path, spoil, why):
    """Protects from silence: what is bad is named with its file; skipped where the contest says so, and counted."""
    spoil(_folder(tmp_path))
    with pytest.raises(DataError, match="on_bad_row") as error:
        _read(tmp_path, classes=(0, 255))
    assert why in str(error.value)
    data, _ = _read(tmp_path, classes=(0, 255), on_bad_row="skip")
    assert len(data) == 3
    assert any("left out" in text for text in data.warnings)


def _disc(row: int, size: int = 32) -> np.ndarray:
    down, across = np.mgrid[:size, :size]
    return 255 * (np.hypot(down - 14 - row, across - 16) < 9).astype(np.uint8)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_smeared_edges_are_no_labels(ending, tmp_path):
    """Protects masks that were saved as JPEG, or scaled smoothly: each pixel gets the nearest label, and it is said."""
    for row in range(4):
        _save(tmp_path / "images" / f"{row}.png", _disc(row))
        mask = Image.fromarray(_disc(row))
        if ending == "png":
            mask = mask.resize((64, 64), Image.Resampling.BICUBIC).resize((32, 32), Image.Resampling.BICUBIC)
        (tmp_path / "masks").mkdir(exist_ok=True)
        mask.save(tmp_path / "masks" / f"{row}.{ending}")
    data, _ = _read(tmp_path)
    assert data.y.labels == (0, 255)
    assert (data.y.codes != (np.stack([_disc(row) for row in range(4)]) > 0)).mean() < 0.02
    assert any("most of them at edges alone" in text for text in data.warnings)


def _trimap(folder: Path, values=(0, 1, 255)) -> Path:
    """Discs with an edge of their own value."""
    for row in range(6):
        down, across = np.mgrid[:16, :16]
        far = np.hypot(down - 6 - row / 2, across - 8)
        mask = np.select([far < 3, far < 5], [values[1], values[2]], values[0])
        _save(folder / "images" / f"{row}.png", np.where(far < 4, 200, 50)[..., None].repeat(3, 2))
        _save(folder / "masks" / f"{row}.png", mask)
    return folder


@pytest.mark.parametrize(
    ("values", "labels"),
    [((0, 7, 255), ("0", "7")), ((0, 128, 255), ("0", "128", "255")), ((0, 255, 255), ("0", "255"))],
)
def test_255_far_above_other_labels_is_no_label(values, labels, tmp_path):
    """Protects sets whose makers mark pixels that nobody could tell, and those whose labels are shades of grey."""
    data, _ = _read(_trimap(tmp_path, values))
    assert tuple(map(written, data.y.labels)) == labels
    assert any("255 marks pixels without a label" in text for text in data.warnings) == (values == (0, 7, 255))
    named, _ = _read(tmp_path, labels={"255": "edge"})
    assert "edge" in named.y.labels or values == (0, 255, 255)


def test_pixels_without_a_label_neither_train_nor_count(tmp_path):
    """Protects scores: whatever is said of such pixels, and whatever lies there, the same is learned and measured."""
    data, _ = _read(_trimap(tmp_path))
    encoded = MasksOutput.encode(data.y, Task(kind="segmentation", data="set"), "set")
    y, output = encoded.values, encoded.output
    assert output.classes == 2 and set(np.unique(y).tolist()) == {0, 1, 255}
    perfect = np.eye(2)[np.where(y == 1, 1, 0)]
    other = np.eye(2)[np.where(y == 0, 0, 1)]
    for name in ("mean_iou", "dice", "picture_iou"):
        metric = output.measures[name](output)
        assert metric.score(y, output.accepted(perfect, 6)) == metric.score(y, output.accepted(other, 6)) == 1
    assert output.accepted(output.prior(y, None), 1).shape == (1, 16, 16, 2)
    assert output.drawn(data.x, y, perfect).shape == output.drawn(data.x, y, other).shape
    for entrant in (TypicalMasks(), ThresholdSegmenter(), ColourSegmenter(), PixelForest(trees=3, random_state=0)):
        said = entrant.fit(data.x, y).predict(data.x)
        assert said.shape == (6, 16, 16, 2)
        np.testing.assert_allclose(said.sum(axis=3), 1, atol=1e-6)


def test_many_labels_are_labels_however_rare(tmp_path):
    """Protects sets of many labels, each of a few small objects, from being taken for smeared ones."""
    for row in range(4):
        _save(tmp_path / "images" / f"{row}.png", _disc(row))
        mask = np.zeros((32, 32))
        for label in range(1, 11):
            mask[3 * label - 2 : 3 * label, 10 : 12 + row] = 10 * row + label
        _save(tmp_path / "masks" / f"{row}.png", mask)
    data, _ = _read(tmp_path)
    assert data.y.labels == tuple(range(41))


def test_masks_of_too_many_values_are_refused(tmp_path):
    """Protects from masks that were saved as JPEG."""
    _save(tmp_path / "a.png", np.zeros((20, 20, 3)))
    _save(tmp_path / "a_mask.png", np.random.default_rng(0).integers(0, 256, (20, 20, 3)))
    with pytest.raises(DataError, match="save them as PNG"):
        _read(tmp_path)


def test_new_finds_groups_in_names(tmp_path):
    """Protects pictures of one thing from lying on both sides of a split."""
    for row in range(12):
        for folder in ("images", "masks"):
            _save(tmp_path / folder / f"{'abcd'[row // 3]}x_{row}.png", np.eye(4))
    keys = find(tmp_path, Options())
    assert keys["split"][0]["group"] == "part1"
    with pytest.raises(DataError, match="--target"):
        find(tmp_path, Options(names=("label",)))


def test_new_pictures_are_brought_to_the_size_of_the_others(tmp_path):
    """Protects predicting from plain folders, and what rows are called."""
    _save(tmp_path / "b.png", np.zeros((12, 16, 3)))
    _save(tmp_path / "a.png", np.zeros((6, 8, 3)))
    x, opened = renew(tmp_path, np.zeros((1, 6, 8, 3), dtype=np.uint8))
    assert x.shape == (2, 6, 8, 3)
    assert opened.x["file"].to_pylist() == ["a.png", "b.png"]


# COCO


def _coco(folder: Path, annotations) -> None:
    _save(folder / "a.png", np.zeros((4, 5, 3)))
    told = {
        "images": [{"id": 1, "file_name": "a.png", "height": 4, "width": 5}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
        "annotations": [{"image_id": 1, **each} for each in annotations],
    }
    (folder / "regions.json").write_text(json.dumps(told))


def test_regions_of_coco_are_drawn_the_small_above(tmp_path):
    """Protects objects in front from those behind them, and the label of what is in none."""
    whole = {"category_id": 3, "segmentation": {"size": [4, 5], "counts": [0, 20]}}
    part = {"category_id": 4, "segmentation": {"size": [4, 5], "counts": [1, 2, 17]}}
    _coco(tmp_path, [part, whole])
    data, _ = _read(tmp_path)
    assert data.y.labels == ("background", "cat", "dog")
    assert data.y.codes[0, :, 0].tolist() == [1, 2, 2, 1]
    assert (data.y.codes[0, :, 1:] == 1).all()


def test_a_polygon_is_filled(tmp_path):
    """Protects regions that are drawn as points."""
    _coco(tmp_path, [{"category_id": 3, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}])
    data, _ = _read(tmp_path)
    assert data.y.codes[0, 1:4, 1:4].all()
    assert data.y.codes.sum() == 9


@pytest.mark.parametrize(
    ("segmentation", "why"),
    [
        ([[1, 2, 3]], "three points or more"),
        ({"size": [3, 3], "counts": [9]}, "runs are of 3 × 3 pixels"),
        ({"size": [4, 5], "counts": [9]}, "runs have 9 pixels"),
        ([], "a list of polygons"),
    ],
)
def test_bad_regions_are_named(tmp_path, segmentation, why):
    """Protects from drawing something else than what is meant."""
    _coco(tmp_path, [{"category_id": 3, "segmentation": segmentation}])
    with pytest.raises(DataError, match=why) as error:
        _read(tmp_path)
    assert "regions.json: a.png" in str(error.value)


@settings(max_examples=50)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_packed_runs_are_those_of_the_field(mask):
    """Protects the packed form, beside COCO's own tools."""
    coder = pytest.importorskip("faster_coco_eval.core.mask")
    told = coder.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = told["counts"].decode() if isinstance(told["counts"], bytes) else told["counts"]
    found = region_of({"size": list(mask.shape), "counts": counts}, *mask.shape)
    np.testing.assert_array_equal(found, mask)


# The output


def _output() -> MasksOutput:
    return MasksOutput(classes=2, size=(2, 3), names=("a", "b"), called=("a", "b"))


@given(arrays(np.uint8, (4, 2, 3), elements=st.integers(0, 1)))
def test_written_masks_are_read_again(codes):
    """Protects files of predictions."""
    import pyarrow as pa

    output = _output()
    p = output.accepted(codes, 4)
    again = output.given(pa.table(output.columns(p, None, proba=False)), "file").named
    np.testing.assert_array_equal(again, p)
    assert output.answers(p, None).tolist() == np.array(["a", "b"])[codes].tolist()


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("[]", "0 pixels, where 2 × 3 = 6 were expected"),
        ('[["c", 6]]', "'c' is no label"),
        ("what", "was expected, got 'what'"),
        ('[["a", -1], ["b", 7]]', "a run has -1 pixels"),
    ],
)
def test_files_of_predictions_that_are_none(cell, why):
    """Protects from scores of something else."""
    import pyarrow as pa

    with pytest.raises(DataError, match=why):
        _output().given(pa.table({"prediction": [cell]}), "file")


def test_predictions_are_checked():
    """Protects the board from what is no distribution."""
    output = _output()
    with pytest.raises(DataError, match="sum to one; row 1 is wrong"):
        output.accepted(np.stack([np.full((2, 3, 2), 0.5), np.full((2, 3, 2), 0.6)]), 2)
    with pytest.raises(DataError, match="shape"):
        output.accepted(np.zeros((1, 2, 2, 2)), 1)
    with pytest.raises(DataError, match="whole numbers from 0 to 1"):
        output.accepted(np.full((1, 2, 3), 2), 1)


@given(arrays(np.float32, (2, 3, 2, 3), elements=st.floats(0, 1, width=32)), st.floats(0.1, 0.9))
def test_members_are_averaged_pixel_by_pixel(shares, weight):
    """Protects the join, beside the blend of each pixel alone."""
    output = _output()
    first, second = (np.stack([part, 1 - part], axis=-1).astype(np.float16) for part in shares)
    weights = np.array([weight, 1 - weight])
    found = output.join("mean", [first, second], weights)
    flat = blend([first.reshape(-1, 2), second.reshape(-1, 2)], weights)
    np.testing.assert_allclose(found.reshape(-1, 2), flat, atol=1e-3)


def test_labels_in_python():
    """Protects masks that are given as arrays of words."""
    y = MasksOutput.checked(np.array([[["sky", "sea"]]]), Task(kind="segmentation", data=None), "data")
    assert isinstance(y, Labelled)
    encoded = MasksOutput.encode(y, Task(kind="segmentation", data=None, split=Split()), "data")
    assert encoded.output.names == tuple(map(written, ("sea", "sky")))
    assert encoded.values.tolist() == [[[1, 0]]]
    with pytest.raises(DataError, match="nothing to learn"):
        MasksOutput.encode(
            Labelled(codes=np.zeros((1, 1, 1), dtype=np.uint8), labels=(0,)), Task(kind="", data=None), "d"
        )
