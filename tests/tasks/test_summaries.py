"""Summaries: ROUGE as the library has it, references, the join, and what tells a source of them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import ConcoursError, DataError
from concours.engine.ingest import ingest
from concours.stores.memory import MemoryStore
from concours.tasks.metrics.summaries import MEASURES
from concours.tasks.nbest import best_texts, only
from concours.tasks.new_rows import read_inputs  # noqa: F401 (the reader of new rows that `renew` stands on)
from concours.tasks.outputs.summary import Summary
from concours.tasks.pairs import read_sentences
from concours.tasks.readers.opened import Options
from concours.tasks.summaries_found import find
from concours.tasks.task import Split, Task

LONG = [
    f"The {w} was seen at night. It was far away. Nobody knew the {w} before." for w in ("sun", "lake", "hill", "road")
]
SHORT = [f"A report about the {w} that was seen." for w in ("sun", "lake", "hill", "road")]


def written(folder, rows, name="t.jsonl"):
    (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(folder / name)


@pytest.mark.parametrize("name", MEASURES)
def test_rouge_is_the_librarys_and_the_best_reference_counts(name):
    """Each summary's F-score is what rouge-score says with stems, of several references the best; equal to 100 of itself."""
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer([name], use_stemmer=True)
    said = ["the cats sat on a mat", "nothing alike", "walking far"]
    meant = [["a cat sits on the mat", "the cats sat"], ["…", "some words"], ["walking far"]]
    metric = MEASURES[name](None)
    found = metric.row_scores(pa.array(meant), only(pa.array(said)))
    best = [max(scorer.score(one, text)[name].fmeasure for one in row) for text, row in zip(said, meant, strict=True)]
    assert np.allclose(found, 100 * np.array(best))
    assert found[2] == pytest.approx(100)


def test_one_text_is_a_list_of_one_and_an_empty_one_is_named():
    """References may be texts or lists; a row without one is refused with its place."""
    task = Task(kind="summarization", data="")
    assert Summary.checked(pa.array(["a b", "c d"]), task, "t").to_pylist() == [["a b"], ["c d"]]
    with pytest.raises(DataError, match="the target is empty in 1 of 2 rows, first in row 2"):
        Summary.checked(pa.array([["a"], [""]]), task, "t")


def test_letters_that_rouge_does_not_count_are_told():
    """A summary in another script than Latin scores nothing, and a person is told."""
    y = pa.array([["один"], ["two"], ["three"]])
    assert "1 of 3 summaries have no word" in Summary.encode(y, Task(kind="summarization", data=""), "t").warnings[0]


def test_members_are_joined_to_what_is_most_like_the_others():
    """By words, not by runs of characters: of three texts the one that shares most words with the others wins."""
    members = [only(pa.array([text])) for text in ("a b c d", "a b x y", "q r s t")]
    joined = Summary().join("bayes-risk", members, np.ones(3))
    assert best_texts(joined)[0] in ("a b c d", "a b x y")


def test_sentences_and_references_in_lists(tmp_path):
    """A list of sentences is a text with a line each; references stay lists; new rows are read alike."""
    rows = [
        {"source": text.split(". "), "target": [s, s + " Twice."]} for text, s in zip(LONG * 3, SHORT * 3, strict=True)
    ]
    data = written(tmp_path, rows)
    task = Task(kind="summarization", data=data, text=("source",), target="target", split=Split(folds=2))
    store = MemoryStore()
    found = ingest(task, store, seed=0, folder=tmp_path)
    assert found.problem.output.name == "summary"
    x, _ = read_sentences(data, pa.chunked_array([pa.array([""])]), text=("source",))
    assert x[0].as_py().splitlines() == LONG[0].split(". ")


def test_what_holds_summaries_is_found(tmp_path):
    """By the usual names and by length: in one file, in parts of a folder; a table with classes is something else."""
    rows = [{"source": [a, a], "target": [b]} for a, b in zip(LONG, SHORT, strict=True)]
    one = tmp_path / "one"
    one.mkdir()
    keys = find((one / written(one, rows)), Options())
    assert keys is not None
    assert keys["text"][0] == "source"
    assert keys["target"][0] == "target"
    assert keys["split"][0]["group"] == "duplicates"
    parts = tmp_path / "parts"
    parts.mkdir()
    for part in ("train", "test"):
        written(parts, rows, f"{part}.jsonl")
    keys = find(parts, Options())
    assert keys is not None
    assert "split" not in keys
    assert "4 more judge" in keys["data"][1]
    other = [{"text": a, "summary": b, "label": "x"} for a, b in zip(LONG, SHORT, strict=True)]
    assert find(one / written(one, other, "o.jsonl"), Options()) is None
    with pytest.raises(DataError, match="--target"):
        find(parts, Options(names=("source",)))


def test_an_empty_side_is_named(tmp_path):
    """With its row; or left out, where the contest says so."""
    rows = [{"document": a, "summary": b} for a, b in zip(LONG * 3, SHORT * 3, strict=True)]
    rows[4]["document"] = " "
    task = Task(kind="summarization", data=written(tmp_path, rows), text=("document",), target="summary")
    with pytest.raises(ConcoursError, match="row 5: document is empty"):
        ingest(task, MemoryStore(), seed=0, folder=tmp_path)
