"""Rows without labels, which teachers are asked about for their students: read as the fit read its own, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from concours.contest.strategies import Strategy
from concours.core.digests import Digest
from concours.core.errors import ContestError, DataError
from concours.core.ports import Store
from concours.engine.ingest import Ingested
from concours.runs.predict import kept_rows, renewed
from concours.stores.blobs import get_table, put_array, put_table, put_texts, texts_in, unit_of_texts


def with_unlabelled(
    strategies: Sequence[Strategy], ingested: Ingested, store: Store, folder: Path
) -> tuple[tuple[Strategy, ...], list[str]]:
    """Strategies with the digest of rows in place of the file that they name, and what is to be known of these rows.

    Raises:
        ContestError: a file is not there, or its rows do not suit the task.
    """
    found, told = list[Strategy](), list[str]()
    for strategy in strategies:
        name = strategy.options.get("unlabelled")
        if name is None:
            found.append(strategy)
            continue
        try:
            like = kept_rows(store, ingested.problem.train.x)
            x, opened = renewed(ingested.problem, like, folder / name, forms=ingested.forms, told=told.append)
        except DataError as error:
            raise ContestError(f"cooperate.strategies: {strategy.name!r}.unlabelled: {error}") from None
        told.append(f"{opened.name}: {len(x):,} rows without labels for {strategy.name}")
        options = {**strategy.options, "unlabelled": _kept(x, ingested, store)}
        found.append(replace(strategy, options=options))
    return tuple(found), told


def _kept(x: object, ingested: Ingested, store: Store) -> Digest:
    """Rows, kept as those of the training part are."""
    if isinstance(x, pa.Table):
        return put_table(store, x)
    if isinstance(x, pa.ChunkedArray):
        like = get_table(store, ingested.problem.train.x)
        return put_texts(store, x, None, texts_in(like) or (), unit_of_texts(like))
    return put_array(store, x)  # type: ignore[arg-type]
