"""Members of an alliance that others run, asked at the same time: a thread of this process waits for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.had import scheme_of
from concours.engine.prediction import Predictor


def elsewhere(candidate: Candidate) -> bool:
    """Whether it is a model at an address, so that to ask it is to wait."""
    scheme = scheme_of(candidate.entrant.recipe)
    return scheme is not None and scheme.names == "address"


class Voices:
    """See `serving.crew.Beside`.

    Args:
        members: models at addresses.
    """

    def __init__(self, members: Sequence[Digest]) -> None:
        self._members = members

    def tell(
        self, predictor: Predictor, members: Mapping[Digest, Candidate], x: Any, left: Callable[[], float]
    ) -> None:
        """Asks all members about rows, each once, and lets a predictor of these rows know what they say.

        Raises:
            whatever the first of them raises, in the order of members, that had none to say.
        """
        del x
        pool = ThreadPoolExecutor(len(self._members), "member")
        asked = {
            digest: pool.submit(copy_context().run, predictor.predict, members[digest]) for digest in self._members
        }
        pool.shutdown(wait=False)  # who is not waited for may end by itself
        done, _ = wait(asked.values(), max(0.0, left()))
        if not done:
            wait(asked.values(), return_when=FIRST_COMPLETED)
        for digest, future in asked.items():
            if future.done():
                predictor.know(digest, future.result())

    def stop(self) -> None:
        """There is nothing to end."""
