"""Pictures with boxes: the three forms of annotations, what is wrong in them, and new pictures."""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from concours.core.errors import ContestError, DataError
from concours.tasks.boxed import find, read, renew
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.boxes import NAMED, PREDICTIONS, BoxesOutput
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
    assert any("1 picture of 4 brought" in text for text in data.warnings)


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


PARTS = {"train": ["one", "three"], "valid": ["two"], "test": ["four"]}


@pytest.mark.parametrize("parts", [("train", "valid", "test"), ("train", "valid"), ("train", "test"), ("train",)])
@pytest.mark.parametrize("form", ["coco", "table"])
def test_parts_may_be_folders(form, parts, tmp_path):
    """Protects sets as Roboflow writes them: the folder says the part, and whose picture of a name is meant."""
    said = {"coco": ("_annotations.coco.json", coco_part), "table": ("_annotations.csv", rows)}
    name, content = said[form]
    files = {f"set/{part}/{name}": content(PARTS[part]) for part in parts}
    files |= {f"set/{part}/{stem}.png": png() for part in parts for stem in BOXES}
    judge = next((part for part in ("test", "valid") if part in parts), None)
    data, test = read_laid(tmp_path, files)
    fitted = [stem for part in parts if part != judge for stem in PARTS[part]]
    assert told(data.y) == sorted(BOXES[stem] for stem in fitted)
    assert (test is None) if judge is None else told(test.y) == [BOXES[stem] for stem in PARTS[judge]]
    own = sum(len(PARTS[part]) for part in parts)
    assert any(f"{len(files) - len(parts) - own} pictures that no" in text for text in data.warnings)
    assert any("valid" in text and text.endswith("are fitted on") for text in data.notes) == (len(parts) == 3)
    assert judge is None or any(re.search(f"{judge}/.* judge$", text) for text in test.notes)


@pytest.mark.parametrize(
    "parts", [("train", "valid", "test"), ("train", "valid"), ("train", "test"), ("valid", "test")]
)
@pytest.mark.parametrize("form", ["coco", "table"])
def test_what_validates_is_fitted_on_where_another_source_judges(form, parts, tmp_path):
    """Protects `task.test`: of the data nothing but its own test part is left aside, and that is said."""
    content = {"coco": coco_part, "table": rows}[form]
    ending = {"coco": "json", "table": "csv"}[form]
    laid(tmp_path, {f"set/{part}.{ending}": content(PARTS[part]) for part in parts})
    laid(tmp_path, {f"set/pictures/{stem}.png": png() for stem in BOXES})
    laid(tmp_path, {f"other/boxes.{ending}": content(["one"]), "other/one.png": png()})
    data, test = read(Task(kind="object-detection", data="set", test="other"), KIND, tmp_path)
    assert told(data.y) == sorted(BOXES[stem] for part in parts if part != "test" for stem in PARTS[part])
    assert told(test.y) == [BOXES["one"]]
    assert any("left aside, as task.test judges" in text for text in data.warnings) == ("test" in parts)


@pytest.mark.parametrize("form", ["coco", "table"])
def test_boxes_of_no_part_are_fitted_on_or_said(form, tmp_path):
    """Protects against silence about annotations whose names say no part: left aside beside train, else fitted on."""
    content = {"coco": coco_part, "table": rows}[form]
    ending = {"coco": "json", "table": "csv"}[form]
    files = {f"set/pictures/{stem}.png": png() for stem in BOXES}
    files |= {f"set/{name}.{ending}": content([stem]) for name, stem in (("more", "two"), ("test", "four"))}
    data, test = read_laid(tmp_path, files)
    assert (told(data.y), told(test.y)) == ([BOXES["two"]], [BOXES["four"]])
    data, test = read_laid(tmp_path, {**files, f"set/train.{ending}": content(["one", "three"])})
    assert (told(data.y), told(test.y)) == (sorted([BOXES["one"], []]), [BOXES["four"]])
    assert any(f"train is by others: more.{ending}" in text for text in data.warnings)


def test_one_part_alone_is_fitted_on_whatever_it_is_called(tmp_path):
    """Protects a source that is only the test part of a set."""
    laid(tmp_path, table())
    data, test = read(Task(kind="object-detection", data="set/test.csv"), KIND, tmp_path)
    assert (told(data.y), test) == ([BOXES["four"]], None)


@pytest.mark.parametrize("form", ["coco", "table"])
def test_no_picture_is_fitted_on_and_judges(form, tmp_path):
    """Protects the test part of every form: a picture in both parts is refused, with its name."""
    content = {"coco": coco_part, "table": rows}[form]
    files = FORMS[form]()
    judging = next(name for name in files if "test" in name)
    with pytest.raises(DataError, match="'two' for training and for the test, as 1 pictures in all; first: .*/two.png"):
        read_laid(tmp_path, {**files, judging: content(["two", "four"])})


def test_a_set_of_several_years_keeps_all_of_them(tmp_path):
    """Protects archives of VOC2007 and VOC2012: what is called alike in two folders are two pictures."""
    again = {stem: [("cat", (1, 1, 9, 9))] for stem in BOXES}
    files = {
        f"set/{year}/{name[4:]}": content
        for year, boxes in (("A", BOXES), ("B", again))
        for name, content in voc(boxes).items()
    }
    data, test = read_laid(tmp_path, files)
    assert told(data.y) == sorted(boxes[stem] for boxes in (BOXES, again) for stem in ("one", "two", "three"))
    assert told(test.y) == sorted([BOXES["four"], again["four"]])
    plain = {name: content for name, content in files.items() if "ImageSets" not in name}
    (tmp_path / "plain").mkdir()
    data, test = read_laid(tmp_path / "plain", plain)
    assert told(data.y) == sorted([*BOXES.values(), *again.values()])
    assert test is None


def test_a_picture_may_be_written_in_two_ways(tmp_path):
    """Protects a table whose rows are of one picture however they write its path."""
    files = table()
    files["set/train.csv"] += rows(["four"]).split(b"\n", 1)[1].replace(b"four", b"./one")
    files["set/train.csv"] += rows(["four"]).split(b"\n", 1)[1].replace(b"four", b"pictures\\one")
    data, _ = read_laid(tmp_path, files)
    assert [*BOXES["one"], *BOXES["four"], *BOXES["four"]] in told(data.y)


@pytest.mark.parametrize("before", [0, (1 << 20) - 6, 3 << 20])
@pytest.mark.parametrize("behind", [0, 3 << 20])
def test_annotations_are_recognised_wherever_they_stand(before, behind, tmp_path):
    """Protects COCO's own files, whose keys lie megabytes apart, and may lie on the border of what is read at once."""
    files = coco()
    head, tail = files["set/annotations/instances_train.json"].split(b'"annotations"')
    told_apart = (
        b"{" + b" " * before + b'"annotations"' + tail[:-1] + b"," + b" " * behind + head[1:].rstrip(b", ") + b"}"
    )
    files["set/annotations/instances_train.json"] = told_apart
    data, _ = read_laid(tmp_path, files)
    assert told(data.y) == sorted(BOXES[stem] for stem in ("one", "two", "three"))


@pytest.mark.parametrize("odd", [1.0001, 1.5, 30.0])
@pytest.mark.parametrize("where", ["one", "four"])
def test_one_box_that_reaches_out_makes_no_shares_pixels(where, odd, tmp_path):
    """Protects shares: what all boxes of both parts are is one question, and no single box answers it."""
    share = (0.1, 0.2, 0.5, 0.6)
    shares = {stem: [(label, share) for label, _ in boxes] for stem, boxes in BOXES.items()}
    shares[where] = [("cat", (0.1, 0.2, odd, 0.6))]
    parts = read_laid(tmp_path, table(shares))
    boxes = [box for part in parts for row in part.y.to_pylist() for box in row]
    assert [tuple(box[side] for side in SIDES) for box in boxes].count(share) == 3
    assert [box["xmax"] for box in boxes].count(1.0) == 1
    said = parts[where == "four"].warnings
    assert any("reach out" in text for text in said)
    assert all(any("taken as shares" in text for text in part.warnings) for part in parts)


def test_boxes_within_the_first_pixel_are_said(tmp_path):
    """Protects against silence about a box in shares among boxes in pixels; boxes of no area tell nothing."""
    boxes = {**BOXES, "three": [("cat", (0.1, 0.2, 0.5, 0.6)), *[("cat", (0, 0, 0, 0))] * 9]}
    data, _ = read_laid(tmp_path, table(boxes))
    assert BOXES["two"] in told(data.y)
    assert any("1 of 13 boxes have no side above 1" in text for text in data.warnings)


def test_one_file_of_annotations_is_read_alone(tmp_path):
    """Protects a source that is a file: the pictures beside it, no other annotations."""
    laid(tmp_path, table())
    data, test = read(Task(kind="object-detection", data="set/train.csv", test="set/test.csv"), KIND, tmp_path)
    assert told(data.y) == sorted(BOXES[stem] for stem in ("one", "two", "three"))
    assert told(test.y) == [BOXES["four"]]
    assert any("1 picture that no row names" in text for text in data.warnings)


BROKEN = {
    "no xml": ("voc", "set/Annotations/one.xml", b"<annotation><object>", "no XML that can be read"),
    "entities": ("voc", "set/Annotations/one.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "entities"),
    "no name": ("voc", "set/Annotations/one.xml", xml([("", (1, 1, 2, 2))]), "one.xml: object 1 has no name"),
    "no numbers": ("voc", "set/Annotations/one.xml", xml([("cat", (1, "x", 2, 2))]), "object 1 has a box that is no"),
    "no picture": ("voc", "set/JPEGImages/one.png", None, "'one', which is not there"),
    "no annotation": ("voc", "set/Annotations/two.xml", None, "1 picture without an annotation, first 'two'"),
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


FITTED = [stem for stem in BOXES if stem not in TEST]
SPOILT = {
    "voc": ("set/Annotations/one.xml", b"<annotation><object>", "no XML that can be read"),
    "coco": (
        "set/annotations/instances_train.json",
        coco_part(FITTED).replace(b"[4, 2, 16, 8]", b"[4, 2, 16]"),
        "annotation 1 has a box that is no four numbers",
    ),
    "table": (
        "set/train.csv",
        rows(FITTED).replace(b"4,2,20,10", b"4,2,x,10"),
        "row 1 has a box that is no four numbers",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_pictures_whose_annotation_is_broken_can_be_left_out(form, tmp_path):
    """Protects `on_bad_row` in every form: the other pictures stay as they are, and what goes is counted and said."""
    name, content, why = SPOILT[form]
    files = {**FORMS[form](), name: content}
    with pytest.raises(DataError, match=f'{why}.*on_bad_row = "skip"'):
        read_laid(tmp_path / "a", files)
    data, _ = read_laid(tmp_path / "b", files, on_bad_row="skip")
    assert told(data.y) == sorted(BOXES[stem] for stem in ("two", "three"))
    assert data.left_out == 1
    assert any("1 picture left out for its annotation; first: " in text and why in text for text in data.warnings)


def test_an_annotation_of_no_picture_can_be_left_out(tmp_path):
    """Protects sets of which some pictures were lost, in the forms that name pictures from elsewhere."""
    for form, lost in (
        ("voc", "set/JPEGImages/one.png"),
        ("coco", "set/images/one.png"),
        ("table", "set/pictures/one.png"),
    ):
        files = FORMS[form]()
        del files[lost]
        with pytest.raises(DataError, match='not there; mend it, or leave such pictures out by on_bad_row = "skip"'):
            read_laid(tmp_path / form / "a", files)
        data, _ = read_laid(tmp_path / form / "b", files, on_bad_row="skip")
        assert told(data.y) == sorted(BOXES[stem] for stem in ("two", "three"))
        assert data.left_out == 1


@pytest.mark.parametrize("parts", [(), ("train", "valid", "test")])
def test_annotations_may_lie_beside_their_pictures(parts, tmp_path):
    """Protects what tools that draw boxes write, `a.xml` beside `a.png`; folders say the parts there, not names of files."""
    files, stems = {}, ["three", "two", "one", "four"]
    for number, stem in enumerate(stems):
        place = f"set/{parts[number % 3]}" if parts else "set"
        files |= {f"{place}/test_{stem}.png": png(), f"{place}/test_{stem}.xml": xml(BOXES[stem])}
    data, test = read_laid(tmp_path, files)
    assert told(data.y) == sorted(BOXES[stem] for stem in stems if not parts or stem != "one")
    assert (test is None) if not parts else told(test.y) == [BOXES["one"]]


def test_crowds_and_difficult_objects_are_said(tmp_path):
    """Protects against silence about what a set marks: crowds are left out, difficult objects count."""
    files = coco()
    name = "set/annotations/instances_train.json"
    files[name] = files[name].replace(b'"iscrowd": 0', b'"iscrowd": 1', 1)
    data, _ = read_laid(tmp_path, files)
    assert len(data.y.values) == 2
    assert any("left out: 1 box of crowds" in text for text in data.warnings)
    files = voc()
    files["set/Annotations/one.xml"] = files["set/Annotations/one.xml"].replace(b"<difficult>0", b"<difficult>1")
    (tmp_path / "voc").mkdir()
    data, _ = read_laid(tmp_path / "voc", files)
    assert any("1 box marked as difficult" in text for text in data.warnings)


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
    assert any("3 of train, then 1 of test" in text for text in said)
    assert renew(like + 1, like)[0].shape == like.shape


def test_pictures_without_an_annotation_are_said_of_voc(tmp_path):
    """Protects against silence: a picture that no file is called as is left aside; one that ImageSets omits is too."""
    data, _ = read_laid(tmp_path, {**voc(), "set/JPEGImages/five.png": png(), "set/ImageSets/Main/val.txt": b"two\n"})
    assert any("left aside: 1 annotation that ImageSets does not name" in text for text in data.warnings)
    assert any("left aside: 1 picture that no annotation is called as" in text for text in data.warnings)


@pytest.mark.parametrize("form", ["coco", "table"])
def test_new_pictures_of_a_set_come_once_and_what_is_left_aside_is_said(form, tmp_path):
    """Protects `predict` of a set with boxes: a row a picture, whatever its parts, and no silence about others."""
    content = {"coco": coco_part, "table": rows}[form]
    files = FORMS[form]()
    train, test = (next(name for name in files if part in name) for part in ("train.", "test."))
    laid(tmp_path, {**files, train: content(["one", "two"]), test: content(["two", "four"])})
    said: list[str] = []
    x, _ = renew(tmp_path / "set", np.zeros((1, HEIGHT, WIDTH, 3), dtype=np.uint8), told=said.append)
    assert len(x) == 3
    assert any("1 picture that no" in text for text in said)


@pytest.mark.parametrize("form", FORMS)
def test_a_test_part_that_another_replaces_is_said(form, tmp_path):
    """Protects `task.test`: the pictures that the data sets apart are neither fitted on nor judge, and that is said."""
    laid(tmp_path, FORMS[form]())
    laid(tmp_path, {f"other{name[3:]}": content for name, content in FORMS[form]().items()})
    data, test = read(Task(kind="object-detection", data="set", test="other"), KIND, tmp_path)
    assert (len(data), len(test)) == (3, 4)
    assert any(
        re.search("the 1 pictures of .*test.* are left aside, as task.test judges", text) for text in data.warnings
    )


def test_weights_of_pictures_are_checked_however_these_come(tmp_path):
    """Protects weights: what is no weight is refused, what has no rows of its own too, and none is dropped."""
    x = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    target = [[{"label": "cat", **dict(zip(SIDES, (0, 0, 1, 1), strict=True))}]] * 3
    files = {name: content for name, content in table().items() if "test" not in name}
    sources = {"x": {"data": x, "target": target}, "set": {"data": laid(tmp_path, files)}}

    def weighed(source: str, weight: object, **keys: object):
        return read(Task(kind="object-detection", **sources[source], weight=weight, **keys), KIND, tmp_path)[0]

    for source in sources:
        assert weighed(source, [1.0, 2.0, 0.0]).weights.tolist() == [1.0, 2.0, 0.0]
        assert any("all rows count alike" in text for text in weighed(source, [2, 2, 2]).warnings)
        for weight in ([1.0, 2.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [0, 0, 0], ["a", 1, 1]):
            with pytest.raises(DataError, match=r"task\.weight"):
                weighed(source, weight)
        with pytest.raises(ContestError, match=r"task\.weight: .* has no columns"):
            weighed(source, "w")
    (tmp_path / "set" / "pictures" / "two.png").write_bytes(b"no picture")
    assert weighed("set", [1.0, 2.0, 3.0], on_bad_row="skip").weights.tolist() == [1.0, 3.0]
    with pytest.raises(ContestError, match="the test part has rows of its own"):
        weighed("set", [1.0, 2.0, 0.0], test="set")


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
    with pytest.raises(ContestError, match="task.id: a task of kind object-detection has no such thing"):
        given([[box], []], id="name")


def test_predictions_from_elsewhere_are_checked():
    """Protects what a user's own detector, or a file, says: the row and what is wrong with it."""
    output = BoxesOutput(classes=2, names=("cat", "dog"), called=("cat", "dog"))
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
    output = BoxesOutput(classes=2, names=("cat", "dog"), called=("cat", "dog"))
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


@pytest.mark.parametrize("rows", [slice(1, None), slice(0, 1), slice(2, 3), slice(0, 0), slice(None)], ids=str)
def test_a_slice_of_boxes_is_as_if_it_was_written_so(rows):
    """Protects targets and predictions cut from longer ones: no class and no gap of a row that is not theirs."""
    box = dict(zip(SIDES, (0.1, 0.2, 0.5, 0.6), strict=True))
    lists = [[{"label": "cat", **box}], [{"label": "dog", **box}, {"label": "dog", **box}], [{"label": "emu", **box}]]
    cut, task = pa.array(lists, NAMED)[rows], Task(kind=KIND.name, data="set")
    if not len(cut):
        with pytest.raises(DataError, match="no picture has a box"):
            BoxesOutput.checked(cut, task, "y")
        return
    for y in (BoxesOutput.checked(cut, task, "y"), cut):
        encoded = BoxesOutput.encode(y, task, "y")
        assert list(encoded.output.called) == sorted({each["label"] for row in lists[rows] for each in row})
        named = [[encoded.output.called[each["label"]] for each in row] for row in encoded.values.to_pylist()]
        assert named == [[each["label"] for each in row] for row in lists[rows]]
    assert BoxesOutput.checked(pa.array([None, *lists], NAMED)[1:][rows], task, "y").to_pylist() == lists[rows]
    with pytest.raises(DataError, match="the target is missing in picture 1;"):
        BoxesOutput.checked(pa.array([*lists, None], NAMED)[3:], task, "y")
    bad = {"label": None, "score": 0.5, **box}
    told = pa.array([[bad], [{**bad, "label": 0}]], PREDICTIONS)
    assert (
        BoxesOutput(classes=1, names=("cat",), called=("cat",)).accepted(told[1:], 1).to_pylist()
        == told[1:].to_pylist()
    )
