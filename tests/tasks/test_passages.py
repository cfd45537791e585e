"""Texts to go on with: how documents are read, cut and divided, what is refused, and what `concours new` finds."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ConcoursError, ContestError, DataError
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.documents_found import find
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.language import Language
from concours.tasks.passages import CONTEXT, PASSAGE, passages, read, renew
from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task

KIND = kind_named("language-modelling")
PROSE = "It was a bright cold day in April, and the clocks were striking.\nNobody saw it.\n"


def task(data: Any, **more: Any) -> Task:
    """A task of the kind."""
    return Task(kind=KIND.name, data=data, **more)


@settings(max_examples=50)
@given(texts=st.lists(st.text(alphabet="ab é€😀\n", min_size=1, max_size=900), min_size=1, max_size=3))
def test_passages_are_the_documents(texts: list[str]) -> None:
    """Protects the cutting: passages one behind the other are the documents, cut between characters; so is what stands
    before each.
    """
    found = passages(texts)
    assert "".join(found.texts) == "".join(texts)
    assert all(0 < len(text.encode()) <= PASSAGE for text in found.texts)
    whole, at = "".join(texts).encode(), 0
    for before, text, (reads, begins, ends) in zip(found.before, found.texts, found.spans, strict=True):
        assert len(before.encode()) <= CONTEXT
        assert whole[at - len(before.encode()) : at] == before.encode()
        assert reads <= begins < ends
        at += len(text.encode())


def test_the_last_of_a_text_judges_and_folds_are_stretches(tmp_path: Path) -> None:
    """Protects the honest split: the last tenth judges, and nobody is fitted on what stands beside a fold it holds out."""
    (tmp_path / "a.txt").write_text(PROSE * 700)
    store = MemoryStore()
    found = ingest(task("a.txt", split=Split(test=0.1, folds=3)), store, seed=0, folder=tmp_path)
    problem = found.problem
    assert problem.test is not None
    train, test = get_array(store, problem.train.ids), get_array(store, problem.test.ids)
    assert train.max() < test.min()
    assert len(test) / (len(train) + len(test)) == pytest.approx(0.1, abs=0.01)
    assert (np.diff(get_array(store, problem.folds)) >= 0).all()
    assert "the last of the text judges" in found.reading[0]


def test_documents_stay_whole(tmp_path: Path) -> None:
    """Protects documents: all passages of a short one are in one part and one fold."""
    lines = [json.dumps({"text": f"{number} {PROSE * 9}"}) for number in range(60)]
    (tmp_path / "d.jsonl").write_text("\n".join(lines))
    store = MemoryStore()
    problem = ingest(task("d.jsonl", split=Split(test=0.2, folds=4)), store, seed=0, folder=tmp_path).problem
    data, _ = read(task("d.jsonl"), KIND, tmp_path)
    document = np.unique(data.spans[:, 1], return_inverse=True)[1]
    assert len(np.unique(document)) == 60
    train, test = get_array(store, problem.train.ids), get_array(store, problem.test.ids)
    assert not set(document[train]) & set(document[test])
    folds = get_array(store, problem.folds)
    assert all(len(set(folds[document[train] == one])) == 1 for one in set(document[train]))


def test_sources_of_all_sorts_are_one(tmp_path: Path) -> None:
    """Protects the readers: a file, packed or not, a folder, an archive, a table, a list and a frame say the same."""
    (tmp_path / "a.txt").write_text(PROSE)
    (tmp_path / "a.md.gz").write_bytes(gzip.compress(PROSE.encode()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text(PROSE)
    (tmp_path / "folder" / "README.md").write_text("no document")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("texts/a.txt", PROSE)
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": 3, "text": PROSE}))
    pd.DataFrame({"body": [PROSE]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text('text\n"' + PROSE + '"\n')
    given: list[Any] = [
        *("a.txt", "a.md.gz", "folder", "a.zip", "a.zip:texts/a.txt", "a.jsonl", "a.parquet", "a.csv"),
        *([PROSE], pd.DataFrame({"text": [PROSE]})),
    ]
    for source in given:
        data, test = read(task(source), KIND, tmp_path)
        expected = (
            PROSE.strip() if isinstance(source, str) and source == "a.csv" else PROSE
        )  # cells have no blanks around
        assert data.x["text"].to_pylist() == [expected], source
        assert test is None
        assert bytes(data.y[0][data.y[0] > 0]) == expected.encode()


def test_parts_by_their_names_are_kept(tmp_path: Path) -> None:
    """Protects a split that its makers chose: the file that is called test judges."""
    for name in ("train", "valid", "test"):
        (tmp_path / f"wiki.{name}.tokens").write_text(f"{name} {PROSE}")
    data, test = read(task("."), KIND, tmp_path)
    assert test is not None
    assert "".join(data.x["text"].to_pylist()).startswith("train")
    assert test.x["text"].to_pylist()[0].startswith("test")
    assert "the files of valid are fitted on, beside test" in data.notes


BAD = {
    "nothing there": ("gone.txt", {}, "gone.txt does not exist"),
    "an empty file": ("empty.txt", {}, "empty.txt is empty"),
    "an empty row": ("some.jsonl", {}, "some.jsonl, row 2 is empty; 1 such documents of 3; on_bad_row"),
    "no text": ("bytes.txt", {}, "bytes.txt is no text, in UTF-8 or any other encoding"),
    "another encoding": ("latin.txt", {"encoding": "utf-8"}, "latin.txt is not in the encoding utf-8"),
    "half a character": (["a \ud800 b"], {}, "the data is damaged: 'utf-8' codec can't encode"),
    "no such column": ("some.jsonl", {"text": ("body",)}, "task.text: some.jsonl has no column 'body'"),
    "two columns": ("some.jsonl", {"text": ("text", "id")}, "one column of documents was expected"),
    "a target": ("good.txt", {"target": "text"}, "task.target: a task of kind language-modelling has no such thing"),
    "a group": ("good.txt", {"split": Split(group="text")}, "texts are divided in their order"),
    "a folder of pictures": ("pictures", {}, "pictures holds no text and no table of texts"),
    "too little": ("good.txt", {}, "too few"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    """Protects the one line for bad input: what, where, what was expected."""
    source, more, said = BAD[name]
    (tmp_path / "good.txt").write_text(PROSE)
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "some.jsonl").write_text("\n".join(json.dumps({"id": n, "text": PROSE * (n != 1)}) for n in range(3)))
    (tmp_path / "bytes.txt").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "latin.txt").write_bytes("naïve café über".encode("latin-1"))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(ConcoursError) as error:
        ingest(task(source, **more), MemoryStore(), seed=0, folder=tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_documents_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    """Protects `on_bad_row`: what is left out is counted, with the first."""
    (tmp_path / "some.jsonl").write_text("\n".join(json.dumps({"text": PROSE * (n != 1)}) for n in range(3)))
    data, _ = read(task("some.jsonl", on_bad_row="skip"), KIND, tmp_path)
    assert data.left_out == 1
    assert "1 empty documents were left out; first: some.jsonl, row 2" in data.warnings[0]


def test_an_encoding_that_is_guessed_is_said(tmp_path: Path) -> None:
    """Protects mixed encodings: a file that is not UTF-8 is read, and which encoding was taken is noted."""
    (tmp_path / "latin.txt").write_bytes(("naïve café über alles, sagte er. " * 40).encode("latin-1"))
    data, _ = read(task("latin.txt"), KIND, tmp_path)
    assert "naïve" in data.x["text"][0].as_py()
    assert any("encoding" in note for note in data.notes)


def test_what_new_finds(tmp_path: Path) -> None:
    """Protects `concours new`: prose alone is for language models, a table with one column too; what has labels is not."""
    (tmp_path / "a.txt").write_text(PROSE * 20)
    (tmp_path / "one.jsonl").write_text("\n".join(json.dumps({"text": PROSE}) for _ in range(5)))
    (tmp_path / "labels.txt").write_text(
        "".join(f"{'good' if n % 2 else 'bad'}\tit was like this {n}\n" for n in range(40))
    )
    (tmp_path / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "many").mkdir()
    for number in range(3):
        (tmp_path / "many" / f"{number}.txt").write_text(PROSE)
    for name in ("a.txt", "one.jsonl"):
        found = find(tmp_path / name, Options())
        assert found is not None
        assert found["split"][0] == {"test": 0.1}
    for name in ("labels.txt", "table.csv", "many"):
        assert find(tmp_path / name, Options()) is None
    named = find(tmp_path / "many", Options(input="passage"))
    assert named is not None
    assert "3 texts" in named["data"][1]


def test_new_rows_are_cut_alike() -> None:
    """Protects `predict`: new texts become passages as those did that models were fitted on."""
    rows, _ = renew([PROSE * 20], None)
    assert "".join(rows["text"].to_pylist()) == PROSE * 20


def test_predictions_of_several_forms_are_taken() -> None:
    """Protects what an entrant may say: an array, or one for each passage; what is none is refused."""
    output = Language(most=4)
    even = output.accepted(np.full((2, 3), 0.5), 2)
    assert even.tolist() == [[0.5, 0.5, 0.5, 1.0]] * 2
    ragged = output.accepted([np.array([0.5]), np.array([0.1, 0.2])], 2)
    assert ragged.tolist() == [[0.5, 1.0, 1.0, 1.0], [0.1, 0.2, 1.0, 1.0]]
    for wrong in (
        np.zeros((2, 3)),
        np.full((2, 3), 1.5),
        np.full((2, 5), 0.5),
        [np.array([0.5])],
        np.full((2, 1), np.nan),
        [[[1], [1, 2]], [0.5]],
    ):
        with pytest.raises(DataError):
            output.accepted(wrong, 2)


def test_repeats_are_refused() -> None:
    """Protects the order of a text: there is one."""
    with pytest.raises(ContestError, match="leave by, group, time and repeats out"):
        read(task([PROSE], split=Split(repeats=2)), KIND, Path())
