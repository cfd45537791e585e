"""Routers: what members will score, learned from the words of rows; they keep like any model."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.errors import ContentRefused
from concours.core.ports import Store
from concours.engine.worded import as_one_text
from concours.entrants.models import dump_object, load_object
from concours.entrants.texts import TextVectors
from concours.kernels.joining.routing import chosen
from concours.stores.blobs import get_bundle, put_bundle

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ALPHA = 16.0
"""How much weights of terms cost: the best of 1 to 16 on the questions of `benchmarks/routing.py`."""


@dataclass(frozen=True, kw_only=True)
class Router:
    """A sum over the terms of a row for each member.

    Attributes:
        vectors: makes weights of terms of texts.
        weights: (terms, members).
        offsets: (members,).
    """

    vectors: TextVectors
    weights: Floats
    offsets: Floats

    def expected(self, x: Any) -> Floats:
        """What each member is expected to score on rows, (rows, members).

        Raises:
            DataError: they are no words.
        """
        return np.asarray(self.vectors.transform(as_one_text(x)) @ self.weights + self.offsets)

    def whom(self, x: Any, weights: Sequence[float], handicaps: Sequence[float]) -> Codes:
        """(rows,) numbers of those that are asked about rows, of the members that have a weight."""
        some = np.flatnonzero(weights)
        if len(some) == 1:
            return np.full(len(x), some[0])
        return np.asarray(some[chosen(self.expected(x)[:, some], np.asarray(handicaps)[some])])


def fit_router(x: Any, scores: Floats, of_rows: Floats | None = None) -> Router:
    """A router: ridge regression of scores on TF-IDF of words and pairs of words.

    Args:
        x: rows that can be put into words.
        scores: (rows, members), higher is better.
        of_rows: (rows,) weights of the rows.
    """
    from sklearn.linear_model import Ridge

    vectors = TextVectors()
    terms = vectors.fit_transform(as_one_text(x)).astype(np.float64)
    ridge = Ridge(alpha=_ALPHA, solver="sparse_cg").fit(terms, scores, sample_weight=of_rows)
    weights = np.atleast_2d(ridge.coef_).T
    return Router(vectors=vectors, weights=np.ascontiguousarray(weights), offsets=np.atleast_1d(ridge.intercept_))


def put_router(store: Store, router: Router) -> Digest:
    """Keeps a router."""
    head = {"offsets": router.offsets.tolist()}
    weights = io.BytesIO()
    np.save(weights, router.weights, allow_pickle=False)
    files = {"vectors.skops": dump_object(router.vectors), "weights.npy": weights.getvalue()}
    return put_bundle(store, {"router.json": canonical_json(head), **files})


def get_router(store: Store, digest: Digest) -> Router:
    """The router that was kept. Raises ContentRefused where it is none."""
    files = get_bundle(store, digest)
    vectors = load_object(files["vectors.skops"])
    if not isinstance(vectors, TextVectors):
        raise ContentRefused(f"object {digest} is no router, as it should be")
    weights = np.load(io.BytesIO(files["weights.npy"]), allow_pickle=False)
    return Router(vectors=vectors, weights=weights, offsets=np.asarray(json.loads(files["router.json"])["offsets"]))
