"""Problems as objects of a store, so that a signal can name one."""

from __future__ import annotations

import io

from concours.core.digests import Digest, canonical_json
from concours.core.own_scoring import OwnScoring
from concours.core.ports import Store
from concours.core.problem import Problem


def keep_problem(problem: Problem | OwnScoring, store: Store) -> Digest:
    """Keeps a problem so that a signal can name it: the content's digest is the problem's own."""
    return store.put(io.BytesIO(canonical_json(problem.content)))
