"""Routers: what members will score, learned from rows; they keep like any model."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.errors import ContentRefused
from concours.core.ports import Store
from concours.engine.worded import as_one_text
from concours.entrants.models import dump_object, load_object
from concours.entrants.preparation import PREPARATIONS
from concours.kernels.joining.routing import chosen
from concours.stores.blobs import get_bundle, put_bundle

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ALPHA = 16.0
"""How much weights of terms cost: the best of 1 to 16 on the questions of `benchmarks/routing.py`."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a router reads rows: handed on in some form to a transformer, of `entrants.preparation`."""

    handed: Callable[[Any], Any]
    preparation: str


def _as_they_are(x: Any) -> Any:
    return x


READINGS: Final[Mapping[str, Reading]] = {
    "words": Reading(handed=as_one_text, preparation="tfidf"),
    "columns": Reading(handed=_as_they_are, preparation="matrix"),
}
"""Readings by what rows can be (`core.kind.Input.can`)."""


@dataclass(frozen=True, kw_only=True)
class Router:
    """A sum over the numbers that a row is read as, for each member.

    Attributes:
        reads: of `READINGS`.
        vectors: the fitted transformer of that reading, to numbers (rows, terms).
        weights: (terms, members).
        offsets: (members,).
    """

    reads: str
    vectors: Any
    weights: Floats
    offsets: Floats

    def expected(self, x: Any) -> Floats:
        """What each member is expected to score on rows, (rows, members).

        Raises:
            DataError: they are no words, where it reads words.
        """
        terms = self.vectors.transform(READINGS[self.reads].handed(x))
        return np.asarray(terms @ self.weights + self.offsets, dtype=np.float64)

    def whom(self, x: Any, weights: Sequence[float], handicaps: Sequence[float]) -> Codes:
        """(rows,) numbers of those that are asked about rows, of the members that have a weight."""
        some = np.flatnonzero(weights)
        if len(some) == 1:
            return np.full(len(x), some[0])
        return np.asarray(some[chosen(self.expected(x)[:, some], np.asarray(handicaps)[some])])


def fit_router(x: Any, scores: Floats, of_rows: Floats | None = None, *, reads: str) -> Router:
    """A router: ridge regression of scores on what rows are read as.

    Args:
        x: rows that can be read so.
        scores: (rows, members), higher is better.
        of_rows: (rows,) weights of the rows.
        reads: of `READINGS`.
    """
    from sklearn.linear_model import Ridge

    reading = READINGS[reads]
    vectors = PREPARATIONS[reading.preparation]()
    terms = vectors.fit_transform(reading.handed(x)).astype(np.float64)
    ridge = Ridge(alpha=_ALPHA, solver="sparse_cg").fit(terms, scores, sample_weight=of_rows)
    weights = np.atleast_2d(ridge.coef_).T
    found = np.ascontiguousarray(weights)
    return Router(reads=reads, vectors=vectors, weights=found, offsets=np.atleast_1d(ridge.intercept_))


def put_router(store: Store, router: Router) -> Digest:
    """Keeps a router."""
    head = {"reads": router.reads, "offsets": router.offsets.tolist()}
    weights = io.BytesIO()
    np.save(weights, router.weights, allow_pickle=False)
    files = {"vectors.skops": dump_object(router.vectors), "weights.npy": weights.getvalue()}
    return put_bundle(store, {"router.json": canonical_json(head), **files})


def get_router(store: Store, digest: Digest) -> Router:
    """The router that was kept. Raises ContentRefused where it is none."""
    files = get_bundle(store, digest)
    head = json.loads(files["router.json"])
    if head.get("reads", "words") not in READINGS:
        raise ContentRefused(f"object {digest} is no router, as it should be")
    weights = np.load(io.BytesIO(files["weights.npy"]), allow_pickle=False)
    return Router(
        reads=head.get("reads", "words"),
        vectors=load_object(files["vectors.skops"]),
        weights=weights,
        offsets=np.asarray(head["offsets"]),
    )
