"""Rows as entrants take them, and the forms in which they lie in a store."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.kernels.rows.kin import Kin
from concours.kernels.rows.spans import overlapping
from concours.stores.blobs import (
    get_array,
    get_bundle,
    get_table,
    is_table,
    known_as,
    put_array,
    put_bundle,
    put_table,
    put_texts,
    texts_in,
)
from concours.tasks.traits import history_traits, sound_traits

_TRAITS = {"sounds": sound_traits, "histories": history_traits}
_SPARSE = ("data", "indices", "indptr", "shape")


def put_rows(store: Store, x: Any) -> Digest:
    """Keeps rows as an estimator takes them: frames and texts as tables, a sparse matrix as arrays, others as such."""
    if isinstance(x, pd.DataFrame):
        return put_table(store, pa.Table.from_pandas(x, preserve_index=False))
    if sparse.issparse(x):
        csr = x.tocsr()
        return put_bundle(store, {name: _bytes(np.asarray(getattr(csr, name))) for name in _SPARSE})
    if x.dtype == np.object_:
        return put_texts(store, pa.chunked_array([pa.array(x, type=pa.string())]))
    return put_array(store, x)


def get_rows(store: Store, digest: Digest) -> Any:
    """Rows as an estimator takes them: a frame, texts (rows,), a matrix (rows, features) or pictures."""
    with store.open(digest) as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        files = get_bundle(store, digest)
        with known_as("sparse matrix", digest):
            data, indices, indptr, shape = (np.load(io.BytesIO(files[name]), allow_pickle=False) for name in _SPARSE)
            return sparse.csr_matrix((data, indices, indptr), shape=tuple(shape))
    if not is_table(store, digest):
        return get_array(store, digest)
    return as_rows(get_table(store, digest))


def shown_table(store: Store, digest: Digest, can: Sequence[str]) -> pa.Table:
    """A table as people look at it, by what `can` says (`core.kind.Input`): of sounds, how long and how loud they are;
    of histories, how long they are.
    """
    table = get_table(store, digest)
    traits = next((of for name, of in _TRAITS.items() if name in can), None)
    return traits(table) if traits else table


def shape_of(store: Store, digest: Digest) -> tuple[int, ...]:
    """The shape of one row as it was read: (columns,), that of a picture, or () for a text."""
    if not is_table(store, digest):
        return get_array(store, digest).shape[1:]
    table = get_table(store, digest)
    return (table.num_columns,) if texts_in(table) is None else ()


def as_rows(table: pa.Table) -> Any:
    """A table that was read as an estimator takes it: a frame, or texts (rows,)."""
    if texts_in(table) is not None:
        return np.asarray(table.column(0).to_pylist(), dtype=object)
    return table.to_pandas()


def first_division(store: Store, folds: Digest) -> NDArray[np.int64]:
    """The fold of each row (rows,) in the first division of the training part."""
    found = get_array(store, folds)
    return found if found.ndim == 1 else np.ascontiguousarray(found[:, 0])


def held_out(folds: NDArray[np.int64], fold: int | None) -> NDArray[np.bool_]:
    """Whether each row is in this fold, of whichever division (rows,); nowhere if there is none."""
    if fold is None:
        return np.zeros(len(folds), dtype=np.bool_)
    return np.any((folds == fold).reshape(len(folds), -1), axis=1)


def sides(job: Job, store: Store) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the rows that a job is fitted on, and of those that its fold holds out; without a fold, all and none.

    Where rows are stretches of time, those that overlap one held out are on neither side.
    """
    return _apart(job, store, get_array(store, job.inputs["folds"]), job.params["fold"])


def sides_of_first(job: Job, store: Store, fold: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same of a fold of the first division: numbers of the rows by which is chosen, and of those in the fold."""
    return _apart(job, store, first_division(store, job.inputs["folds"]), fold)


def _apart(
    job: Job, store: Store, folds: NDArray[np.int64], fold: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    apart = held_out(folds, fold)
    near = overlapping(get_array(store, job.inputs["spans"]), apart) if "spans" in job.inputs else apart
    return np.flatnonzero(~(apart | near)), np.flatnonzero(apart)


def kin_of(job: Job, store: Store, rows: NDArray[np.int64] | None = None) -> Kin | None:
    """How the rows of the training part, or some of them, belong together; none where each stands alone.

    By the job's input `groups`, and its parameter `in_time` where these follow one another.
    """
    if "groups" not in job.inputs:
        return None
    kin = Kin(groups=get_array(store, job.inputs["groups"]), in_time=job.params.get("in_time", False))
    return kin if rows is None else kin.some(rows)


def stills(x: NDArray[Any]) -> NDArray[Any]:
    """Pictures (rows, height, width[, channels]) as they are, of clips (rows, frames, …) the frames in the middle."""
    return x[:, x.shape[1] // 2] if x.ndim == 5 else x


def take_rows(x: Any, rows: NDArray[np.int64]) -> Any:
    """Some of the rows, in that order."""
    return x.iloc[rows].reset_index(drop=True) if isinstance(x, pd.DataFrame) else x[rows]


def _bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
