"""What names of files say: parts, classes, shards, samples, whatever else they are called."""

from __future__ import annotations

import itertools

import pytest

from concours.core.errors import DataError
from concours.tasks.readers.lines import labelled_lines
from concours.tasks.readers.listing import layout_of, part_of

TRAIN, VALID, TEST = (
    ("train", "Training", "trainset"),
    ("val", "valid", "validation", "dev"),
    ("test", "TEST", "holdout"),
)


class Named:
    """Files that have names only."""

    name = "set"

    def __init__(self, *names: str) -> None:
        self._names = list(names)

    def names(self) -> list[str]:
        return self._names


@pytest.mark.parametrize(("train", "valid", "test"), list(itertools.product(TRAIN, VALID, TEST)))
@pytest.mark.parametrize(
    "form", ["{}.csv", "reviews_{}.txt", "data/{}-00000-of-00001.parquet", "{}/rows.csv", "my {} 2024.tsv.gz"]
)
def test_parts(train, valid, test, form):
    """Train, valid and test are parts in any case and place; valid judges where there is no test, else it joins train."""
    first, middle, last = (form.format(word) for word in (train, valid, test))
    three = layout_of(Named(last, first, middle))
    assert (three.train, three.valid, three.test) == ((first,), (middle,), (last,))
    two = layout_of(Named(middle, first))
    assert (two.train, two.valid, two.test) == ((first,), (), (middle,))


@pytest.mark.parametrize(
    "name", ["latest", "contest", "trainer", "constraint", "validated", "protest", "devices", "evaluate"]
)
def test_words_within_words(name):
    """A word that only holds the letters of a part is none."""
    assert part_of(name)[0] is None


@pytest.mark.parametrize(("train", "test"), list(itertools.product(TRAIN, TEST)))
@pytest.mark.parametrize(
    "form", ["{}/{c}/{i}.png", "seg_{0}/seg_{0}/{c}/{i}.png", "a/b/{}/{c}/{i}.txt", "{}_images/{c}/{i}.jpg"]
)
def test_folders(train, test, form):
    """Folders of parts above folders of classes, and folders that only repeat their part."""
    names = [form.format(part, c=c, i=i) for part in (train, test) for c in ("car", "bus") for i in range(3)]
    layout = layout_of(Named(*names))
    assert (len(layout.train), len(layout.test)) == (6, 6)
    assert set(layout.labels.values()) == {"car", "bus"}
    assert all(test in name for name in layout.test)


def test_classes_called_like_parts():
    """`train` among other vehicles is a class."""
    layout = layout_of(Named(*(f"{c}/{i}.png" for c in ("train", "bus", "ship") for i in range(2))))
    assert set(layout.labels.values()) == {"train", "bus", "ship"}
    assert not layout.test


def test_a_file_a_class_in_parts():
    """Files a class come in parts too, by the words that their names have besides."""
    layout = layout_of(Named("train.pos", "train.neg", "test.pos", "test.neg"))
    assert layout.a_file
    assert layout.labels == {"train.pos": "pos", "train.neg": "neg", "test.pos": "pos", "test.neg": "neg"}
    assert (layout.train, layout.test) == (("train.neg", "train.pos"), ("test.neg", "test.pos"))


def test_what_lies_aside():
    """What is called otherwise than the parts lies aside, by name; several pairs are asked about."""
    layout = layout_of(Named("train.csv", "test.csv", "shops.csv", "sample_submission.csv"))
    assert (layout.aside, layout.sample) == (("shops.csv",), "sample_submission.csv")
    with pytest.raises(DataError, match="several pairs of train and test"):
        layout_of(Named("a_train.csv", "a_test.csv", "b_train.csv", "b_test.csv"))
    unsup = layout_of(
        Named(
            *(f"{p}/{c}/{i}.txt" for p, c, i in itertools.product(("train", "test"), ("pos", "neg", "unsup"), range(2)))
        )
    )
    assert {unsup.labels[name] for name in unsup.train} == {"pos", "neg"}
    assert any("no label" in note for note in unsup.notes)


@pytest.mark.parametrize("form", ["{c}\t{t}", "{t}\t{c}", "{c}: {t}", "__label__{c} {t}"])
def test_labelled_lines(form):
    """Labels before or behind a tab, before a colon, or as fastText has them; one label a line."""
    lines = [
        form.format(c=("spam", "ham", "rare one")[i % 3], t=f"words that come: number {i}, all of them")
        for i in range(60)
    ]
    if form.startswith("__"):
        lines = [line.replace("rare one", "rare-one") for line in lines]
    texts, labels, _ = labelled_lines(lines, "t.txt")
    assert texts[0] == "words that come: number 0, all of them"
    assert len(set(labels)) == 3
    known = sorted(set(labels))
    assert labelled_lines(lines[:1], "t.txt", known)[1] == ["spam"]


@pytest.mark.parametrize(
    "lines",
    [
        [f"note {i}: something was said about it" for i in range(60)],
        [f"{i % 3}\t{i}" for i in range(60)],
        ["label\ttext", *(f"{'ab'[i % 2]}\twords that come in {i}" for i in range(60))],
        [f"at {i % 24}:{i % 60} it was late in the day" for i in range(60)],
        ["Anna: hello there, how are you", *(f"word {i} of a play, with no name before" for i in range(60))],
    ],
)
def test_no_labels(lines):
    """Numbers, titles, times of day, headers and single names are no labels."""
    assert labelled_lines(lines, "t.txt") is None


def test_two_labels():
    """Several labels a line are refused with the row."""
    with pytest.raises(DataError, match="row 2 has 2 labels"):
        labelled_lines(["__label__a x y", "__label__a __label__b x"], "t.txt")
