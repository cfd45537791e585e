"""Pictures with boxes: the three forms of annotations, what is wrong in them, and new pictures."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from concours.core.errors import ContestError, DataError
from concours.tasks.boxed import find, read, renew
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.boxes import BoxesOutput
from concours.tasks.readers.opened import Options
from concours.tasks.task import Task

KIND = KINDS["object-detection"]
WIDTH, HEIGHT = 40, 20
SIDES = ("xmin", "ymin", "xmax", "ymax")
BOXES = {
    "one": [("cat", (4, 2, 20, 10))],
    "two": [("dog", (0, 0, 40, 20)), ("cat", (10, 5, 30, 15))],
    "three": [],
    "four": [("dog", (8, 4, 16, 12))],
}
TEST = ("four",)
Files = dict[str, bytes]


def png(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 60, 30)).save(buffer, "png")
    return buffer.getvalue()


def xml(boxes: list, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    def one(label: str, sides: tuple) -> str:
        told = "".join(f"<{name}>{value}</{name}>" for name, value in zip(SIDES, sides, strict=True))
        return f"<object><name>{label}</name><difficult>0</difficult><bndbox>{told}</bndbox></object>"

    head = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return f"<annotation>{head}{''.join(one(*box) for box in boxes)}</annotation>".encode()


def voc(boxes: dict = BOXES) -> Files:
    main = "set/ImageSets/Main"
    return {
        **{f"set/JPEGImages/{stem}.png": png() for stem in boxes},
        **{f"set/Annotations/{stem}.xml": xml(each) for stem, each in boxes.items()},
        f"{main}/train.txt": b"one\n",
        f"{main}/val.txt": b"two\nthree\n",
        f"{main}/test.txt": b"four\n",
    }


def coco_part(stems: list[str], boxes: dict = BOXES) -> bytes:
    labels = ["cat", "dog"]
    told = {
        "images": [
            {"id": n, "file_name": f"{stem}.png", "width": WIDTH, "height": HEIGHT} for n, stem in enumerate(stems)
        ],
        "categories": [{"id": 7 + n, "name": label} for n, label in enumerate(labels)],
        "annotations": [
            {"id": 1, "image_id": n, "category_id": 7 + labels.index(label), "bbox": [a, b, c - a, d - b], "iscrowd": 0}
            for n, stem in enumerate(stems)
            for label, (a, b, c, d) in boxes[stem]
        ],
    }
    return json.dumps(told).encode()


def coco(boxes: dict = BOXES) -> Files:
    train = [stem for stem in boxes if stem not in TEST]
    return {
        **{f"set/images/{stem}.png": png() for stem in boxes},
        "set/annotations/instances_train.json": coco_part(train, boxes),
        "set/annotations/instances_test.json": coco_part(list(TEST), boxes),
    }


def rows(stems: list[str], boxes: dict = BOXES, header: tuple[str, ...] = ("image", "label", *SIDES)) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for stem in stems:
        for label, sides in boxes[stem] or [("", ("",) * 4)]:
            writer.writerow([f"{stem}.png", label, *sides])
    return text.getvalue().encode()


def table(boxes: dict = BOXES) -> Files:
    train = [stem for stem in boxes if stem not in TEST]
    return {
        **{f"set/pictures/{stem}.png": png() for stem in boxes},
        "set/train.csv": rows(train, boxes),
        "set/test.csv": rows(list(TEST), boxes),
    }


FORMS = {"voc": voc, "coco": coco, "table": table}


def laid(folder: Path, files: Files, how: str = "folder") -> str:
    if how == "tar.gz":
        with tarfile.open(folder / "set.tar.gz", "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return "set.tar.gz"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return "set"


def read_laid(folder: Path, files: Files, how: str = "folder", **keys: object):
    return read(Task(kind="object-detection", data=laid(folder, files, how), **keys), KIND, folder)


def told(y: pa.Array) -> list:
    """Boxes in pixels again, as they were written."""
    scale = [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return sorted(
        [(box["label"], tuple(round(box[s] * k, 6) for s, k in zip(SIDES, scale, strict=True))) for box in boxes]
        for boxes in y.to_pylist()
    )


@pytest.mark.parametrize("how", ["folder", "tar.gz"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form, how, tmp_path):
    """Protects the readers: pictures, boxes in shares, pictures without a box, and the maker's own test part."""
    data, test = read_laid(tmp_path, FORMS[form](), how)
    assert data.x.shape == (3, HEIGHT, WIDTH, 3)
    assert data.x.dtype == np.uint8
    assert told(data.y) == sorted(BOXES[stem] for stem in ("one", "two", "three"))
    assert told(test.y) == [BOXES["four"]]
    assert test.x.shape == (1, HEIGHT, WIDTH, 3)
    assert data.y.type.value_type.field("label").type == pa.string()
    encoded = BoxesOutput.encode(data.y, Task(kind="object-detection", data=""), "set")
    assert encoded.output.called == ("cat", "dog")
    assert any("1 of 3 pictures" in text for text in encoded.warnings)
    assert encoded.output.spread(encoded.values, None) == {"counts": [2, 1], "test": None}


@pytest.mark.parametrize("form", FORMS)
def test_boxes_survive_pictures_of_other_sizes(form, tmp_path):
    """Protects boxes in shares: a picture of another size is brought to that of most, and its box stays in its place."""
    files = FORMS[form]({**BOXES, "five": [("cat", (40, 20, 80, 40))]})
    name = next(name for name in files if name.endswith("five.png"))
    files[name] = png(2 * WIDTH, 2 * HEIGHT)
    if form == "voc":
        files["set/ImageSets/Main/train.txt"] = b"one\nfive\n"
        files["set/Annotations/five.xml"] = xml([("cat", (40, 20, 80, 40))], size=(2 * WIDTH, 2 * HEIGHT))
    data, _ = read_laid(tmp_path, files)
    assert data.x.shape == (4, HEIGHT, WIDTH, 3)
    assert [("cat", (20.0, 10.0, 40.0, 20.0))] in told(data.y)
    assert any("1 of 4 pictures were brought" in text for text in data.warnings)


@pytest.mark.parametrize("form", FORMS)
def test_bad_boxes_are_counted(form, tmp_path):
    """Protects against silence: boxes that reach out are cut off, those of no area are left out, and both are said."""
    bad = {**BOXES, "one": [("cat", (4, 2, 4, 2)), ("cat", (30, 10, 50, 30)), ("dog", (1, 1, 9, 9))]}
    data, _ = read_laid(tmp_path, FORMS[form](bad))
    assert [("cat", (30.0, 10.0, 40.0, 20.0)), ("dog", (1.0, 1.0, 9.0, 9.0))] in told(data.y)
    flat = next(text for text in data.warnings if "have no area" in text)
    beyond = next(text for text in data.warnings if "reach out" in text)
    assert "1 of 5 boxes" in flat
    assert "1 of 5 boxes" in beyond
    assert "one.png" in flat


def test_a_size_that_the_annotation_says_wrongly_is_said(tmp_path):
    """Protects against boxes of a picture that was made smaller after it was annotated."""
    files = voc()
    files["set/Annotations/one.xml"] = xml(BOXES["one"], size=(400, 200))
    data, _ = read_laid(tmp_path, files)
    assert any("1 pictures are not of the size" in text and "one.png" in text for text in data.warnings)


def test_shares_are_taken_as_shares(tmp_path):
    """Protects tables whose boxes are in shares already, which is said."""
    shares = {stem: [(label, (0.1, 0.2, 0.5, 0.6)) for label, _ in boxes] for stem, boxes in BOXES.items()}
    data, _ = read_laid(tmp_path, table(shares))
    assert told(data.y)[-1][0][1] == (4.0, 4.0, 20.0, 12.0)
    assert any("taken as shares" in text for text in data.warnings)


def test_one_file_of_annotations_is_read_alone(tmp_path):
    """Protects a source that is a file: the pictures beside it, no other annotations."""
    laid(tmp_path, table())
    data, test = read(Task(kind="object-detection", data="set/train.csv", test="set/test.csv"), KIND, tmp_path)
    assert told(data.y) == sorted(BOXES[stem] for stem in ("one", "two", "three"))
    assert told(test.y) == [BOXES["four"]]
    assert any("1 pictures that no row names" in text for text in data.warnings)


BROKEN = {
    "no xml": ("voc", "set/Annotations/one.xml", b"<annotation><object>", "no XML that can be read"),
    "entities": ("voc", "set/Annotations/one.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "entities"),
    "no name": ("voc", "set/Annotations/one.xml", xml([("", (1, 1, 2, 2))]), "one.xml: object 1 has no name"),
    "no numbers": ("voc", "set/Annotations/one.xml", xml([("cat", (1, "x", 2, 2))]), "object 1 has a box that is no"),
    "no picture": ("voc", "set/JPEGImages/one.png", None, "'one', which is not there"),
    "no annotation": ("voc", "set/Annotations/two.xml", None, "1 pictures without an annotation, first 'two'"),
    "in both parts": ("voc", "set/ImageSets/Main/test.txt", b"one\nfour\n", "'one' for training and for the test"),
    "broken picture": ("voc", "set/JPEGImages/one.png", b"no picture", "one.png is no picture that can be read"),
    "no json": ("coco", "set/annotations/instances_train.json", coco_part(["one"])[:-3], "no JSON that can be read"),
    "no image": (
        "coco",
        "set/annotations/instances_train.json",
        coco_part(["one"]).replace(b'"image_id": 0', b'"image_id": 9'),
        "annotation 1 is of image 9",
    ),
    "no category": (
        "coco",
        "set/annotations/instances_train.json",
        coco_part(["one"]).replace(b'"category_id": 7', b'"category_id": 70'),
        "annotation 1 is of category 70",
    ),
    "three numbers": (
        "coco",
        "set/annotations/instances_train.json",
        coco_part(["one"]).replace(b"[4, 2, 16, 8]", b"[4, 2, 16]"),
        "annotation 1 has a box that is no four numbers",
    ),
    "no label column": ("table", "set/train.csv", rows(["one"], header=("image", "what", *SIDES)), "no column 'label'"),
    "no label": ("table", "set/train.csv", rows(["one"], {"one": [("", (1, 1, 2, 2))]}), "row 1 has no label"),
    "no such picture": ("table", "set/train.csv", rows(["none"], {"none": BOXES["one"]}), "'none.png', which is not"),
    "no boxes": ("table", "set/train.csv", rows(["three"]), "no picture has a box"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_told_in_one_line(case, tmp_path):
    """Protects people from wrong annotations: the message names the file and what is wrong with it."""
    form, name, content, expected = BROKEN[case]
    files = FORMS[form]()
    if content is None:
        del files[name]
    else:
        files[name] = content
    with pytest.raises(DataError) as refused:
        read_laid(tmp_path, files)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_broken_pictures_can_be_left_out(tmp_path):
    """Protects `on_bad_row`: the picture goes with its boxes, and is counted."""
    files = {**voc(), "set/JPEGImages/one.png": b"no picture"}
    data, _ = read_laid(tmp_path, files, on_bad_row="skip")
    assert told(data.y) == sorted(BOXES[stem] for stem in ("two", "three"))
    assert data.left_out == 1


def test_crowds_and_difficult_objects_are_said(tmp_path):
    """Protects against silence about what a set marks: crowds are left out, difficult objects count."""
    files = coco()
    name = "set/annotations/instances_train.json"
    files[name] = files[name].replace(b'"iscrowd": 0', b'"iscrowd": 1', 1)
    data, _ = read_laid(tmp_path, files)
    assert len(data.y.values) == 2
    assert any("1 boxes of crowds" in text for text in data.warnings)
    files = voc()
    files["set/Annotations/one.xml"] = files["set/Annotations/one.xml"].replace(b"<difficult>0", b"<difficult>1")
    (tmp_path / "voc").mkdir()
    data, _ = read_laid(tmp_path / "voc", files)
    assert any("1 boxes marked as difficult" in text for text in data.warnings)


@pytest.mark.parametrize("form", FORMS)
def test_a_source_with_boxes_is_found(form, tmp_path):
    """Protects `concours new`, which tells the kind from the data alone, and takes nothing else for it."""
    laid(tmp_path, FORMS[form]())
    key, why = find(tmp_path / "set", Options())["data"]
    assert key == str(tmp_path / "set")
    assert "beside pictures" in why
    for option, said in (("--target", Options(names=("kind",))), ("--header", Options(header=True))):
        with pytest.raises(DataError, match=f"^{option}: .* which have no columns; leave {option} out$"):
            find(tmp_path / "set", said)
    assert find(tmp_path / "nothing", Options()) is None
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n")
    assert find(tmp_path / "numbers.csv", Options()) is None
    (tmp_path / "classes" / "cat").mkdir(parents=True)
    (tmp_path / "classes" / "cat" / "1.png").write_bytes(png())
    assert find(tmp_path / "classes", Options()) is None


def test_new_pictures_are_brought_to_the_size_of_the_fit(tmp_path):
    """Protects `predict`: a folder of pictures, a set with boxes, and arrays all come in the size of the fit."""
    like, said = np.zeros((2, 10, 20, 3), dtype=np.uint8), []
    laid(tmp_path, voc())
    for source, count in ((tmp_path / "set", 4), (tmp_path / "set" / "JPEGImages", 4)):
        x, opened = renew(source, like, told=said.append)
        assert x.shape == (count, 10, 20, 3)
        assert opened.name
    assert any("then the 1 of its test part" in text for text in said)
    assert renew(like + 1, like)[0].shape == like.shape


def test_pictures_and_boxes_can_be_objects_of_python():
    """Protects the way without files, and its errors."""
    x = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    box = {"label": "cat", "xmin": 0.1, "ymin": 0.2, "xmax": 0.5, "ymax": 0.6}

    def given(target: object, **keys: object):
        return read(Task(kind="object-detection", data=x, target=target, **keys), KIND, Path())[0]

    assert given([[box], []]).y.to_pylist() == [[box], []]
    wrong = {
        "the target must be a list a picture": [["cat"], []],
        "box of picture 2 has no area": [[box], [{**box, "xmax": 0.1}]],
        "box of picture 1 reaches out": [[{**box, "xmax": 12.0}], []],
        "a list of boxes a picture: 2 were expected, got 1": [[box]],
        "is missing in picture 2": [[box], None],
        "has no ymin": [[{**box, "ymin": None}], []],
    }
    for expected, target in wrong.items():
        with pytest.raises(DataError, match=expected):
            given(target)
    with pytest.raises(ContestError, match="task.id: pictures have no columns"):
        given([[box], []], id="name")


def test_predictions_from_elsewhere_are_checked():
    """Protects what a user's own detector, or a file, says: the row and what is wrong with it."""
    output = BoxesOutput(classes=2, called=("cat", "dog"))
    box = {"label": 1, "score": 0.5, "xmin": 0.1, "ymin": 0.2, "xmax": 0.5, "ymax": 0.6}
    found = output.accepted([[{**box, "xmax": 1.2}, {**box, "score": 0.9}], []], 2)
    assert [each["score"] for each in found[0].as_py()] == [0.9, 0.5]
    assert found[0].as_py()[1]["xmax"] == 1.0
    many = output.accepted([[{**box, "score": n / 200} for n in range(150)]], 1)
    assert len(many[0]) == 100
    assert many[0].as_py()[-1]["score"] == 0.25
    wrong = {
        "row 1 have a label that is none of 0 to 1": [[], [{**box, "label": 2}]],
        "row 0 have a score that is not": [[{**box, "score": 1.5}], []],
        "row 1 have a box that has no area": [[box], [{**box, "xmin": 0.5}]],
        "of 2 pictures, got 1": [[box]],
        "some of these are missing": [[{**box, "score": None}], []],
        "each with label, score": [["cat"], []],
    }
    for expected, p in wrong.items():
        with pytest.raises(DataError, match=expected):
            output.accepted(p, 2)


def test_a_file_of_predictions_says_what_was_written():
    """Protects `concours score`: the cells of `columns` are read as they were, and others are refused in one line."""
    output = BoxesOutput(classes=2, called=("cat", "dog"))
    box = {"label": 1, "score": 0.5, "xmin": 0.125, "ymin": 0.25, "xmax": 0.5, "ymax": 0.625}
    p = output.accepted([[box, {**box, "label": 0, "score": 0.25}], []], 2)
    columns = output.columns(p, None, proba=False)
    assert columns["boxes"].to_pylist() == [2, 0]
    assert output.given(pa.table(columns), "p.csv").named.equals(p)
    assert output.written(p) == ["1 dog", "no box"]
    assert output.answers(p, None)[0][0] == {**box, "label": "dog"}
    cells = {
        "row 1: .* was expected, got 'no json'": "no json",
        "row 1: 'cow' is no class; known: cat, dog": '[["cow", 1, 0, 0, 1, 1]]',
        "row 1: .* a box has 4 values": '[["cat", 1, 0, 0]]',
        "row 0 have a box that has no area": '[["cat", 1, 0, 0, 0, 1]]',
    }
    for expected, cell in cells.items():
        with pytest.raises(DataError, match=expected):
            output.given(pa.table({"prediction": [cell]}), "p.csv")
