"""Whether a source is of documents that belong to queries, and a few such for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from concours.core.errors import ConcoursError, DataError
from concours.tasks.outputs.order import MOST
from concours.tasks.queries import size_said
from concours.tasks.question_columns import folded
from concours.tasks.readers.archives import entry_at, is_archive
from concours.tasks.readers.listing import suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.source import open_source
from concours.tasks.readers.svmlight import QUERY, SUFFIXES, TARGET, is_of_queries
from concours.tasks.task import Split, Task

QUERIES: Final = (QUERY, "query", "query_id", "queryid", "srch_id", "search_id")
RELEVANCES: Final = ("relevance", "rel", "grade", "relevance_label", "relevance_grade", "relevancy", TARGET, "label")
_DOCUMENTS: Final = ("doc_id", "docid", "document", "document_id", "doc", "url_id")
_HEAD: Final = 1 << 14
_TYPED: Final = (".parquet", ".pq", ".arrow", ".feather", ".ipc")


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task that puts documents in order, each with a reason; none where a source has no queries.

    It has some where it is of SVMlight's form and names queries, or is a table with a column that is called as queries
    are, and one that is called as relevances are, of whole numbers from 0. Where a person says that it is of this kind
    the latter may be called as they name it.

    Raises:
        DataError: a person says so, and there is no column of queries, or none of relevances.
    """
    try:
        if not options.asked and not _may_have_queries(source):
            return None
        opened = open_source(source, Path(), options)
    except ConcoursError:
        return None
    if not isinstance(opened.x, pa.Table):
        return None
    query = _called(opened.x.column_names, QUERIES)
    target = _target(opened, options)
    if query is None or target is None:
        if not options.asked:
            return None
        lacking, names, how = (
            ("queries", QUERIES, "rename it, or write a contest file with query = and its name")
            if query is None
            else ("relevances", RELEVANCES, "name it by --target")
        )
        raise DataError(f"{opened.name}: no column is called as {lacking} are ({', '.join(names[:4])}, …): {how}")
    return _keys(source, opened, query, target)


def _keys(source: Path, opened: Opened, query: str, target: str) -> dict[str, tuple[Any, str]]:
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    sizes = pc.value_counts(opened.x[query]).field("counts").to_numpy()
    levels = sorted(pc.unique(opened.x[target].cast(pa.float64()).drop_null()).to_pylist())
    said = f"relevance, {', '.join(f'{level:g}' for level in levels[:6])}{', …' if len(levels) > 6 else ''}"
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), f"{len(opened.x):,} documents"),
        **({} if opened.target == target else {"target": (target, said)}),
        "query": (query, f"{len(sizes):,} queries, {size_said(sizes)} documents each; no model gets it"),
    }
    documents = [name for name in opened.x.column_names if name != query and folded(name) in _DOCUMENTS]
    if documents:
        keys["drop"] = (documents, "what documents are called")
    if (alone := int((sizes == 1).sum())) > 0:
        keys["on_bad_row"] = ("skip", f"{alone:,} queries with one document alone, which tell no order, are left out")
    if opened.test is not None:
        keys["split"] = ({"folds": 5}, f"the {len(opened.test.x):,} documents that are set apart judge")
    else:
        keys["split"] = ({"test": 0.2}, "of the queries, which judge with all their documents")
    return keys


def _target(opened: Opened, options: Options) -> str | None:
    """The column of relevances."""
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    names = opened.x.column_names
    wanted = next(iter(options.names), None)
    if wanted is not None and (wanted not in names or not (options.asked or _graded(opened.x[wanted]))):
        return None
    return wanted or next((name for name in _all_called(names, RELEVANCES) if _graded(opened.x[name])), None)


def _graded(column: pa.ChunkedArray) -> bool:
    """Whether a column holds whole numbers from 0, few of them."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    values = pc.unique(column.drop_null()).to_numpy()
    return bool(len(values) > 1 and values.min() >= 0 and values.max() <= MOST and (values == np.round(values)).all())


def _may_have_queries(source: Path) -> bool:
    """Whether the beginning of a file names queries; of a folder, or of what is no text, whether it may be read."""
    if source.is_dir():
        return any(
            suffix_of(one.name) in SUFFIXES or _may_have_queries(one) for one in source.glob("*.*") if one.is_file()
        )
    if is_archive(source.name) or suffix_of(source.name) in _TYPED:
        return suffix_of(source.name) in _TYPED
    with entry_at(source).open() as file:
        head = file.read(_HEAD)
    first = next(iter(head.splitlines()), b"").lower()
    return is_of_queries(head) or any(name.encode() in first for name in QUERIES)


def _called(names: Sequence[str], known: Sequence[str]) -> str | None:
    return next(iter(_all_called(names, known)), None)


def _all_called(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The columns that are called so, in the order of what is known."""
    by_name = {folded(name): name for name in names}
    return [by_name[name] for name in known if name in by_name]


def sample(folder: Path, seed: int) -> Task:
    """Queries of a few documents each, whose relevance follows two of three numbers, written as a CSV file."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(30), rng.integers(3, 8, 30))
    x = rng.normal(size=(len(query), 3))
    score = x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=len(query))
    table = {
        "query": [f"q{number}" for number in query],
        **{f"x{place}": column for place, column in enumerate(x.T)},
        "relevance": np.digitize(score, [0.0, 1.2]),
    }
    pa.csv.write_csv(pa.table(table), folder / "documents.csv")
    return Task(
        kind="ranking",
        data=str(folder / "documents.csv"),
        target="relevance",
        split=Split(test=0.3, folds=2),
        options={"query": "query"},
    )
