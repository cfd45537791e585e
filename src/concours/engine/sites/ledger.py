"""What training has told of a site's rows so far: kept beside them, and held to a bound of their owner's."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.cooperate.privacy import of_round
from concours.core.errors import ContestError
from concours.core.job import Job
from concours.engine.accounting import Spent, epsilon_of, noise_at
from concours.engine.sites.deeds import Deed
from concours.engine.sites.rows import Gone, Unsuited

_ENDING = ".spent"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a data owner allows in all.

    Attributes:
        epsilon: of all that ever leaves, at `delta`; none where it is counted and not held back.
    """

    epsilon: float | None = None
    delta: float = 1e-5


class Ledger:
    """Counts what noisy training has told of rows, in a file that stays over restarts.

    Laws: what leaves is in the file before it leaves; a job is in it once, as its noise is drawn once; with a bound
    nothing leaves that comes of rows and has no noise, and what all of it comes to stays below the bound.

    Args:
        data: the rows; the file lies beside them, under their name with `.spent`.
    """

    def __init__(self, data: Path, bound: Bound) -> None:
        self._file, self._bound = data.with_name(f"{data.name}{_ENDING}"), bound
        self._entries()

    def require(self, job: Job, deed: Deed, rows: int) -> None:
        """Refuses a job that must not be done.

        Raises:
            Unsuited: it would break the bound. Gone: it has been done, and its answer is gone.
        """
        entries, own = self._entries(), _cost(job, rows)
        if own is None:
            if deed.of_rows and self._bound.epsilon is not None:
                raise Unsuited("its owner lets nothing leave without noise; set privacy in [federation]")
            return
        if job.params["private"]["delta"] * rows >= 1:
            raise Unsuited(f"delta must be below 1/{rows}, of its rows, or one of them could be shown whole")
        if job.digest in entries:
            raise Gone("it has answered this before it was started anew, and noise is not drawn twice")
        if self._bound.epsilon is None:
            return
        after = epsilon_of([*entries.values(), own], self._bound.delta)
        if after > self._bound.epsilon:
            raise Unsuited(
                f"its owner's bound would not hold: this would come to ε = {after:.3g}, and {self._bound.epsilon:g} at "
                f"δ = {self._bound.delta:g} are allowed"
            )

    def spend(self, job: Job, rows: int) -> str:
        """Writes down what is about to leave, and says what all of it comes to; nothing of a job without noise.

        Raises:
            ContestError: the file cannot be written.
        """
        own = _cost(job, rows)
        if own is None:
            return ""
        noise, rate, steps = own
        line = json.dumps({"job": job.digest, "noise": noise, "rate": rate, "steps": steps})
        try:
            with self._file.open("a") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ContestError(f"{self._file}: {error.strerror}; what has been told of rows is counted there") from None
        total = epsilon_of(list(self._entries().values()), self._bound.delta)
        allowed = "" if self._bound.epsilon is None else f" of {self._bound.epsilon:g}"
        return f"ε = {total:.3g}{allowed} at δ = {self._bound.delta:g} has been spent in all"

    def _entries(self) -> dict[str, Spent]:
        """What has left, by the digests of jobs."""
        try:
            lines = self._file.read_text().splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise self._damaged() from None
        try:
            return dict(_entry(json.loads(line)) for line in lines)
        except (ValueError, KeyError, TypeError):
            raise self._damaged() from None

    def _damaged(self) -> ContestError:
        return ContestError(
            f"{self._file}: expected a line of JSON for each round that has left, as this program writes it; without "
            "it nobody knows what these rows have told already"
        )


def _entry(value: Any) -> tuple[str, Spent]:
    return str(value["job"]), (float(value["noise"]), float(value["rate"]), int(value["steps"]))


def _cost(job: Job, rows: int) -> Spent | None:
    """What a job tells of a row; none where it has no noise. Raises Unsuited where no noise would do."""
    private = job.params.get("private")
    if not private:
        return None
    try:
        spent = of_round(rows, job.params["local"])
        return noise_at(private, spent), *spent
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unsuited(f"no noise keeps what is promised of its rows ({error})") from None
