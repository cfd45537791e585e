"""Pairs of texts as people have them: columns of a table, and line-aligned files, good and bad ones."""

import gzip
import pathlib
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.errors import ContestError, DataError
from concours.tasks.kinds import kind_named
from concours.tasks.pairs import read_pairs, read_sentences
from concours.tasks.pairs_found import find
from concours.tasks.readers.opened import Options
from concours.tasks.task import Task

KIND = kind_named("translation")
SAID = ["a man", "a dog", "", "two\tmen", "NA", "the sea"]
MEANT = ["ein Mann", "ein Hund", "nichts", "zwei Männer", "NA", "das Meer"]


def read(data, folder, **keys):
    return read_pairs(Task(kind="translation", data=data, **keys), KIND, folder)


def texts(data):
    return data.x.to_pylist(), data.y.to_pylist()


def write(folder, name, lines, end="\n"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (end.join(lines) + end).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def corpus(folder, packed=".gz"):
    """A folder as machine translation has them."""
    for part, rows in (("train", 6), ("val", 2), ("test_2016", 3), ("test_2017", 4)):
        for language in ("en", "de"):
            write(folder, f"{part}.{language}{packed}", [f"{part} {language} {row}" for row in range(rows)])
    write(folder, "README.md", ["# A corpus"])


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_columns_of_a_table(tmp_path, ending):
    """Two columns of any table, whose cells stay as they are written: `NA` is a word here."""
    rows = [i for i, text in enumerate(SAID) if text]
    table = pd.DataFrame({"n": range(6), "en": SAID, "de": MEANT}).iloc[rows]
    path = tmp_path / f"pairs.{ending}"
    match ending:
        case "csv" | "tsv":
            table.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
        case "jsonl":
            table.to_json(path, orient="records", lines=True, force_ascii=False)
        case _:
            table.to_parquet(path)
    data, test = read(path.name, tmp_path, text=("en",), target="de")
    assert texts(data) == ([SAID[i] for i in rows], [MEANT[i] for i in rows])
    assert test is None
    assert (data.text, data.unit) == (("en",), "row")


def test_the_other_column_of_two_is_found(tmp_path):
    """Where one is named and one more holds texts, that one is meant; a column of ids names the rows."""
    pd.DataFrame({"key": ["x1", "x2"], "en": ["a", "b"], "de": ["c", "d"]}).to_csv(tmp_path / "t.csv", index=False)
    data, _ = read("t.csv", tmp_path, target="de", id="key")
    assert texts(data) == (["a", "b"], ["c", "d"])
    assert data.ids.to_pylist() == ["x1", "x2"]


def test_weights_of_rows_are_a_column(tmp_path):
    """What rows weigh is a number beside them."""
    pd.DataFrame({"en": ["a", "b"], "de": ["c", "d"], "w": [1.0, 3.0]}).to_csv(tmp_path / "t.csv", index=False)
    assert read("t.csv", tmp_path, target="de", text=("en",), weight="w")[0].weights.tolist() == [1.0, 3.0]


def test_pairs_given_in_python(tmp_path):
    """A frame, or two lists."""
    frame = pd.DataFrame({"en": ["a", "b"], "de": ["c", "d"]})
    for data, keys in ((frame, {"text": ("en",), "target": "de"}), (["a", "b"], {"target": ["c", "d"]})):
        assert texts(read(data, tmp_path, **keys)[0]) == (["a", "b"], ["c", "d"])


@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_several_files_are_one_table(tmp_path, as_path):
    """A list is of files where the target is a column; texts in Python have theirs with them."""
    for part, names in enumerate((["a", "b"], ["c"])):
        table = pd.DataFrame({"en": names, "de": [name.upper() for name in names]})
        table.to_csv(tmp_path / f"{part}.csv", index=False)
    files = [as_path("0.csv"), as_path("1.csv")]
    data, test = read(files, tmp_path, text=("en",), target="de", test=[as_path("1.csv")])
    assert (texts(data), texts(test)) == ((["a", "b", "c"], ["A", "B", "C"]), (["c"], ["C"]))
    with pytest.raises(DataError, match="of files the name of the column"):
        read(files, tmp_path, text=("en",))


FORMS = ["lists", "frame", "table", "lines"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weigh", ["array", "column"])
def test_weights_stay_with_their_pairs(tmp_path, form, weigh):
    """Whichever pairs are left out, each that stays has the weight that it was given."""
    if weigh == "column" and form in ("lists", "lines"):
        return
    frame = pd.DataFrame({"en": ["a", "b", "c", "d"], "de": ["e", " ", "g", "h"], "w": [1.0, 2.0, 3.0, 0.0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for language in ("en", "de"):
        write(tmp_path, f"train.{language}", frame[language])
    source, target = {
        "lists": (frame["en"].tolist(), frame["de"].tolist()),
        "frame": (frame, "de"),
        "table": ("t.csv", "de"),
        "lines": (".", "de"),
    }[form]
    keys = {} if form == "lists" else {"text": ("en",)}
    weight = "w" if weigh == "column" else frame["w"].to_numpy()
    data, _ = read(source, tmp_path, target=target, weight=weight, on_bad_row="skip", **keys)
    assert (texts(data)[0], data.weights.tolist()) == (["a", "c", "d"], [1.0, 3.0, 0.0])
    if weigh == "array":
        with pytest.raises(DataError, match="one number a row: expected shape"):
            read(source, tmp_path, target=target, weight=weight[:3], on_bad_row="skip", **keys)


def test_weights_of_an_array_are_those_of_the_data_alone(tmp_path):
    """A part that judges has rows of its own."""
    corpus(tmp_path / "corpus")
    with pytest.raises(ContestError, match="the test part has rows of its own"):
        read("corpus", tmp_path, text=("en",), weight=np.ones(8))


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_folder_of_line_aligned_files(tmp_path, packed):
    """Names say which part is which: val joins train, and the test parts judge together unless one is named."""
    corpus(tmp_path / "corpus", packed)
    data, test = read("corpus", tmp_path, text=("en",), target="de")
    assert texts(data)[0] == [f"{part} en {i}" for part, n in (("train", 6), ("val", 2)) for i in range(n)]
    assert texts(data)[1] == [text.replace(" en ", " de ") for text in texts(data)[0]]
    assert len(test) == 7
    assert "judge together" in data.said
    data, test = read("corpus", tmp_path, text=("de",), target="en", test="corpus/test_2017")
    assert texts(test) == ([f"test_2017 de {i}" for i in range(4)], [f"test_2017 en {i}" for i in range(4)])
    assert len(data) == 8
    data, test = read("corpus/train", tmp_path, text=("en",), test="corpus/val")
    assert (len(data), len(test), texts(data)[1][0]) == (6, 2, "train de 0")


@pytest.mark.parametrize("inside", ["", "corpus/"])
def test_an_archive_of_line_aligned_files(tmp_path, inside):
    """A zip is read as the folder in it, and a part of it is named as any member is; what `new` proposes can be read."""
    corpus(tmp_path / "corpus")
    with zipfile.ZipFile(tmp_path / "corpus.zip", "w") as archive:
        for path in (tmp_path / "corpus").iterdir():
            archive.write(path, inside + path.name)
    data, test = read("corpus.zip", tmp_path, text=("en",), target="de")
    assert (len(data), len(test)) == (8, 7)
    found = {key: value for key, (value, _) in find(tmp_path / "corpus.zip", Options()).items()}
    data, test = read(found["data"], tmp_path, text=(found["text"],), target=found["target"], test=found["test"])
    assert (len(data), texts(test)[0]) == (8, [f"test_2016 en {row}" for row in range(3)])
    one = tmp_path / f"corpus.zip:{inside}val"
    assert read_sentences(one, LIKE, text=("en",))[0].to_pylist() == ["val en 0", "val en 1"]
    with pytest.raises(DataError, match="corpus.zip holds no"):
        read(f"corpus.zip:{inside}dev", tmp_path, text=("en",), target="de")


@pytest.mark.parametrize(
    ("stems", "keys", "aside"),
    [
        ("train europarl news", {}, "europarl, news"),
        ("train europarl test", {}, "europarl"),
        ("europarl news valid", {}, ""),
        ("train valid test", {}, ""),
        ("train test test2", {"test": "data/test2"}, ""),
        ("train", {"test": "more"}, "that_train"),
    ],
)
def test_what_is_left_aside_is_named(tmp_path, stems, keys, aside):
    """No file that could be meant goes without a word."""
    for place, names in (("data", stems.split()), ("more", ["that_test", "that_train"])):
        for name in names:
            for language in ("en", "de"):
                write(tmp_path / place, f"{name}.{language}", [f"{name} {language}"])
    data, judging = read("data", tmp_path, text=("en",), target="de", **keys)
    told = [*data.warnings, *(judging.warnings if judging else ())]
    assert [warning.partition(";")[0].partition("none: ")[2] for warning in told] == ([aside] if aside else [])
    assert ("test and test2 aside, as task.test judges" in data.said) == ("test2" in stems)


def test_ends_of_lines_and_one_part_alone(tmp_path):
    """Windows' ends of lines are ends of lines; one pair of files is fitted on, whatever it is called."""
    write(tmp_path, "news.en", ["a", "b"], "\r\n")
    write(tmp_path, "news.fr", ["c", "d"], "\r\n")
    assert texts(read(".", tmp_path, text=("en",))[0]) == (["a", "b"], ["c", "d"])


def test_pairs_with_an_empty_side_are_named_or_left_out(tmp_path):
    """No pair goes without a word."""
    write(tmp_path, "train.en", ["a", "", "c", "d"])
    write(tmp_path, "train.de", ["e", "f", "g", " "])
    with pytest.raises(DataError, match="train, line 2: the en side is empty; 2 such pairs of 4") as caught:
        read(".", tmp_path, text=("en",))
    assert "\n" not in str(caught.value)
    data, _ = read(".", tmp_path, text=("en",), on_bad_row="skip")
    assert texts(data) == (["a", "c"], ["e", "g"])
    assert data.left_out == 2
    assert any("2 pairs with an empty side were left out" in warning for warning in data.warnings)


@pytest.mark.parametrize(("en", "de"), [("a\nb\n\n", "c\nd\n"), ("a\nb", "c\nd\n\n\n"), ("a\nb\n\n\n", "c\nd\n \n")])
def test_empty_lines_at_the_end_are_no_pairs(tmp_path, en, de):
    """Editors leave them; where one side says something, the other has to."""
    (tmp_path / "train.en").write_text(en)
    (tmp_path / "train.de").write_text(de)
    data, _ = read(".", tmp_path, text=("en",))
    assert texts(data) == (["a", "b"], ["c", "d"])
    assert "at the end" in data.said
    (tmp_path / "train.de").write_text("c\nd\ne\n")
    with pytest.raises(DataError, match="the en side is empty|has 2 lines"):
        read(".", tmp_path, text=("en",))


def table(folder, **columns):
    pd.DataFrame(columns).to_csv(folder / "t.csv", index=False)
    return "t.csv"


@pytest.mark.parametrize(
    ("make", "keys", "said"),
    [
        (lambda f: table(f, en=["a"], de=["b"]), {"target": "ed"}, "no column 'ed'.*known: en, de"),
        (lambda f: table(f, en=["a"], de=["b"], fr=["c"]), {"target": "de"}, "task.text is missing.*en, de, fr"),
        (lambda f: table(f, en=["a"], de=["b"]), {}, "task.text is missing: name the column"),
        (lambda f: table(f, en=["a"], de=["b"]), {"text": ("en",), "target": "en"}, "two different ones"),
        (lambda f: table(f, en=["a"], de=["b"]), {"text": ("en", "de"), "target": "en"}, "one column"),
        (lambda f: table(f, en=["a", None], de=["b", "c"]), {"target": "de"}, "row 2: en is empty"),
        (lambda f: table(f, en=["a"], de=["b"]), {"target": "de", "id": "nr"}, "task.id"),
        (lambda f: "nowhere.csv", {"target": "de"}, "nowhere.csv"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(tmp_path, make, keys, said):
    """What, where, what was expected, what to do."""
    with pytest.raises(DataError, match=said) as caught:
        read(make(tmp_path), tmp_path, **keys)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "keys", "said"),
    [
        ({"train.en": 3, "train.de": 2}, {"text": ("en",)}, "train.en has 3 lines and train.de 2"),
        ({"train.en": 3, "train.de": 3}, {}, "name the language of what is said.*de, en"),
        ({"train.en": 3, "train.de": 3}, {"text": ("fr",)}, "no files that end with .fr"),
        ({"train.en": 3, "train.de": 3}, {"text": ("en",), "target": "en"}, "two different ones"),
        ({"train.en": 3, "train.de": 3}, {"text": ("en",), "id": "nr"}, "task.id.*no columns"),
        ({"train.en": 3, "train.de": 0}, {"text": ("en",)}, "train.de is empty"),
        (
            {"a.en": 3, "a.de": 3, "test.en": 2, "test.de": 2, "dev.de": 1},
            {"text": ("en",), "weight": "w"},
            "task.weight",
        ),
        ({"test.en": 3, "test.de": 3, "test2.en": 3, "test2.de": 3}, {"text": ("en",)}, "which part is fitted on"),
    ],
)
def test_what_is_wrong_with_files_is_one_line(tmp_path, files, keys, said):
    """Files that belong together have as many lines; languages are those that are there."""
    for name, lines in files.items():
        (tmp_path / name).write_text("".join(f"{row} {name}\n" for row in range(lines)))
    with pytest.raises(DataError, match=said) as caught:
        read(".", tmp_path, **keys)
    assert "\n" not in str(caught.value)


LIKE = pa.chunked_array([pa.array(["a"])])


def test_new_texts_are_read_from_whatever_they_lie_in(tmp_path):
    """A line is a row, commas or not; a column of a table; the file of the language; texts in Python."""
    write(tmp_path, "new.txt", ["one, two", "three"])
    write(tmp_path, "x.en.gz", ["one", "two"])
    write(tmp_path, "x.de.gz", ["eins", "zwei"])
    pd.DataFrame({"en": ["one", "two"], "n": [1, 2]}).to_csv(tmp_path / "new.csv", index=False)

    def found(source):
        return read_sentences(source, LIKE, text=("en",), unit="line")[0].to_pylist()

    assert found(tmp_path / "new.txt") == ["one, two", "three"]
    assert found(tmp_path / "x.en.gz") == found(tmp_path / "x") == found(tmp_path / "new.csv") == ["one", "two"]
    assert found(["one", "two"]) == ["one", "two"]


def test_an_empty_new_text_is_named(tmp_path):
    """There is nothing to translate in an empty line, and no other line takes its place."""
    write(tmp_path, "new.txt", ["one", "", "three"])
    with pytest.raises(DataError, match="new.txt: row 2 is empty"):
        read_sentences(tmp_path / "new.txt", LIKE)


def test_a_new_contest_is_found_by_how_the_data_lies(tmp_path):
    """Line-aligned files, and tables whose columns are called by languages; nothing else."""
    corpus(tmp_path / "corpus")
    keys = {key: value for key, (value, _) in find(tmp_path / "corpus", Options()).items()}
    assert keys == {
        "data": str(tmp_path / "corpus"),
        "text": "en",
        "target": "de",
        "test": str(tmp_path / "corpus" / "test_2016"),
    }
    pd.DataFrame({"de": ["a"], "fr": ["b"]}).to_csv(tmp_path / "t.csv", index=False)
    assert {key: value for key, (value, _) in find(tmp_path / "t.csv", Options()).items()} == {
        "data": str(tmp_path / "t.csv"),
        "text": "de",
        "target": "fr",
    }
    pd.DataFrame({"id": ["a"], "no": ["b"]}).to_csv(tmp_path / "u.csv", index=False)
    (tmp_path / "plain").mkdir()
    write(tmp_path / "plain", "a.en", ["a"])
    assert (
        find(tmp_path / "u.csv", Options())
        is find(tmp_path / "plain", Options())
        is find(tmp_path / "none", Options())
        is None
    )


def test_data_of_every_part_is_said(tmp_path):
    """How many rows were read, and of which files."""
    corpus(tmp_path / "corpus")
    data, test = read("corpus", tmp_path, text=("en",), target="de", test="corpus/test_2016")
    assert data.said == (
        "corpus: 8 rows read; test_2016 and test_2017 aside, as task.test judges; train and val one behind the other"
    )
    assert test.said == "test_2016: 3 rows read"
    assert isinstance(np.asarray(data.x.to_pylist(), dtype=object)[0], str)
