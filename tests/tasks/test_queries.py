"""Documents of queries: read from tables and SVMlight's form, kept together, found by `concours new`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours.api.new import draft
from concours.core.errors import ContestError, DataError
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array, get_table
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.outputs.order import Order
from concours.tasks.queries_found import sample
from concours.tasks.task import Split, Task

LETOR = "\n".join(
    f"{int(rng_row % 3)} qid:{row // 4 + 1} 1:{rng_row / 10} 3:{row % 2} # doc{row}"
    for row, rng_row in enumerate(np.random.default_rng(0).integers(0, 9, 80))
)


def _table(folder: Path, **columns: object) -> Task:
    rng, query = np.random.default_rng(0), np.repeat(np.arange(20), 4)
    table = {"query": query, "x": rng.normal(size=80), "relevance": np.tile([0, 1, 2, 0], 20), **columns}
    pd.DataFrame(table).to_csv(folder / "d.csv", index=False)
    return Task(kind="ranking", data=str(folder / "d.csv"), target="relevance", options={"query": "query"})


def test_queries_keep_together(tmp_path):
    """No query is on both sides of the test part or of a fold; no model gets its column; it is an observation."""
    task, store = sample(tmp_path, 0), MemoryStore()
    found = ingest(task, store, seed=0, folder=tmp_path).problem
    folds = get_array(store, found.folds)
    query = get_values(store, found.train.y)[:, 1]
    assert all(len(np.unique(folds[query == one])) == 1 for one in np.unique(query))
    assert not set(query) & set(get_values(store, found.test.y)[:, 1])
    assert "query" not in get_table(store, found.train.x).column_names
    groups = get_array(store, found.test.groups)
    assert len(np.unique(groups)) == len(np.unique(get_values(store, found.test.y)[:, 1]))


@pytest.mark.parametrize("name", ["d.svmlight", "d.txt", "d.letor.gz"])
def test_files_of_svmlights_form(tmp_path, name):
    """LETOR's files are read by what is in them: target, query, a column a number, zero where a line names none."""
    import gzip

    opened = gzip.open if name.endswith(".gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write(LETOR)
    store = MemoryStore()
    task = Task(kind="ranking", data=str(tmp_path / name), split=Split(test=0.25, folds=2))
    problem = ingest(task, store, seed=0, folder=tmp_path).problem
    assert get_table(store, problem.train.x).column_names == ["1", "2", "3"]
    assert problem.train.rows + problem.test.rows == 80
    made = draft(str(tmp_path / name), out=tmp_path / "c.toml")
    assert 'kind = "ranking"' in made.text
    assert 'query = "qid"' in made.text


def test_a_test_file_may_name_fewer_numbers(tmp_path):
    """Trailing numbers that are all zero are not named in such files; further ones are nothing that was learned."""
    (tmp_path / "train.txt").write_text(LETOR)
    (tmp_path / "test.txt").write_text("1 qid:9 1:0.5\n0 qid:9 1:0.1 7:3\n")
    store = MemoryStore()
    task = Task(kind="ranking", data=str(tmp_path / "train.txt"), test=str(tmp_path / "test.txt"))
    problem = ingest(task, store, seed=0, folder=tmp_path).problem
    assert get_table(store, problem.test.x).to_pydict() == {"1": [0.5, 0.1], "2": [0, 0], "3": [0, 0]}


def test_new_finds_queries_or_asks(tmp_path):
    """Names tell what queries and relevances are; else a person is asked for the one thing that is lacking."""
    _table(tmp_path, doc_id=np.arange(80))
    made = draft(str(tmp_path / "d.csv"), out=tmp_path / "c.toml")
    assert 'query = "query"' in made.text
    assert 'drop = ["doc_id"]' in made.text
    frame = pd.read_csv(tmp_path / "d.csv").rename(columns={"query": "who"})
    frame.to_csv(tmp_path / "e.csv", index=False)
    with pytest.raises(DataError, match="no column is called as queries are"):
        draft(str(tmp_path / "e.csv"), kind="ranking", out=tmp_path / "c.toml")
    task = Task(kind="ranking", data=str(tmp_path / "e.csv"), target="relevance")
    with pytest.raises(ContestError, match=r"task\.query: name the column.*who, x"):
        ingest(task, MemoryStore(), seed=0, folder=tmp_path)


def test_groups_hold_whole_queries(tmp_path):
    """Queries of one person keep together by `split.group`; a query of two persons is refused."""
    task = _table(tmp_path, person=np.repeat(np.arange(10), 8))
    split = Split(test=0.3, folds=2, group="person")
    store = MemoryStore()
    problem = ingest(Task(**{**vars(task), "split": split}), store, seed=0, folder=tmp_path).problem
    assert len(np.unique(get_array(store, problem.test.groups))) == 3
    task = _table(tmp_path, person=np.arange(80) // 3)
    with pytest.raises(DataError, match="documents of a query keep together"):
        ingest(Task(**{**vars(task), "split": split}), MemoryStore(), seed=0, folder=tmp_path)
    with pytest.raises(ContestError, match=r"task.split.time"):
        ingest(Task(**{**vars(task), "split": Split(time="x")}), MemoryStore(), seed=0, folder=tmp_path)


def test_what_tells_no_order_is_said(tmp_path):
    """Queries of equal documents count in no metric, and one in two places of a file is one query: both are said."""
    relevance = np.tile([0, 1, 2, 0], 20)
    relevance[8:12] = 1
    query = np.repeat(np.arange(20), 4)
    query[-4:] = 0
    task = _table(tmp_path, relevance=relevance, query=query)
    told = " ".join(ingest(task, MemoryStore(), seed=0, folder=tmp_path).warnings)
    assert "in 1 of 19 queries all documents are equally relevant, first in row 9" in told
    assert "1 query in several places of the file, first again in row 77, '0'" in told
    flat = _table(tmp_path, relevance=np.ones(80, dtype=int))
    with pytest.raises(DataError, match="in every query all documents are equally relevant"):
        ingest(flat, MemoryStore(), seed=0, folder=tmp_path)


def test_metrics_by_name():
    """NDCG of any number of documents; what is no number is refused."""
    output = Order()
    assert output.metric("ndcg@3").name == "ndcg@3"
    for wrong in ("ndcg@", "ndcg@0", "ndcg@ten"):
        with pytest.raises(ContestError, match="number of documents from 1"):
            output.metric(wrong)
    with pytest.raises(ContestError, match="unknown metric"):
        output.metric("ndgc")


def test_slices_are_by_the_size_of_queries():
    """Each document belongs to the slice of how many its query has."""
    query = np.repeat(np.arange(8), [2, 2, 3, 3, 5, 5, 9, 9])
    y = np.stack([np.arange(len(query)) % 2, query], axis=1).astype(float)
    by_size, by_relevance = Order().slices(y)
    sizes = np.bincount(query)[query]
    for code, said in enumerate(by_size.values):
        low, _, high = said.partition(" to ")
        assert set(sizes[by_size.codes == code]) <= set(range(int(low), int(high or low) + 1))
    assert (by_size.codes >= 0).all()
    assert by_relevance.values == ("0", "1")
