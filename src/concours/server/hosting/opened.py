"""What the platform keeps of a competition whose data has been read: a value, and JSON, with no library of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from concours.compete.hosted_measures import Sheet
from concours.core.digests import Digest
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.typed import typed
from concours.server.hosting.competition import Competition

RUNNER = "open_competition"
"""What the job is called that reads a competition's data (`server.hosting.opening`)."""

ID = "id"
"""The column of a file of predictions that names rows, where the task has none of its own."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a phase asks for.

    Attributes:
        phase: its key.
        problem: with the secret truth as its test part.
        rows: of the test part, and how many of them are public; all, where they are not told apart.
        ids: what these rows are called, (rows,) texts in the order of the test part (`stores.values`).
        id: the column of a file of predictions that names rows.
        target: the column that the task predicts; empty where it has no name.
        columns: of a file of predictions, as the sample has them.
        sample: that file, as CSV: every row, as the task's baseline predicts it.
    """

    phase: str
    problem: Problem
    rows: int
    public_rows: int
    ids: Digest
    id: str
    target: str
    columns: tuple[str, ...]
    sample: Digest

    @property
    def sheet(self) -> Sheet:
        """What files of predictions call rows and columns, for a hosted board."""
        return Sheet(names=self.ids, id=self.id, target=self.target or None)


@dataclass(frozen=True, kw_only=True)
class PublicFile:
    """A file that everybody may download; rows and columns where it is a table."""

    path: str
    digest: Digest
    bytes: int
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A competition whose data lies in the store.

    Attributes:
        asked: a value for each phase that is scored by the library; none in an arena, and where a scorer of the host's
            alone reads the files.
        files: of `data/`.
        baselines: what a `joined` signal says of each, by its name.
        sent: what programs of the host's are given, and these themselves, by path: folders as archives.
        reading: how the data was read, for hosts; warnings are what a host should look into.
    """

    asked: tuple[Asked, ...] = ()
    files: tuple[PublicFile, ...] = ()
    baselines: tuple[Mapping[str, Any], ...] = ()
    sent: Mapping[str, Digest] = field(default_factory=lambda: frozen({}))
    reading: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, phase: str) -> Asked:
        """What a phase asks for. Raises KeyError where it asks for nothing that the library scores."""
        found = next((one for one in self.asked if one.phase == phase), None)
        if found is None:
            raise KeyError(phase)
        return found

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "asked": [
                {**{k: v for k, v in vars(one).items() if k != "problem"}, "problem": one.problem.to_json()}
                for one in self.asked
            ],
            "files": [asdict(file) for file in self.files],
            "baselines": [dict(one) for one in self.baselines],
            "sent": dict(self.sent),
            "reading": list(self.reading),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, value: Any) -> Opened:
        """The inverse of `to_json`. Raises ContentRefused."""
        return typed(cls, value)


def opening_job(competition: Competition, files: Mapping[str, Digest]) -> Job:
    """The job that reads a competition's data; its value `opened` is an `Opened` as JSON.

    Args:
        files: of the competition's folder, by their path in it: all of `data/`, `truth/`, `baselines/`.
    """
    phases = competition.phases if competition.task else ()
    return Job(
        runner=RUNNER,
        inputs=files,
        params={"competition": competition.to_json()},
        outputs=tuple(f"{what} {phase.key}" for phase in phases for what in ("ids", "sample")),
        label=f"open {competition.slug}",
    )
