"""Which boards are to be driven now, and what each is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, literal, or_, select
from sqlalchemy.engine import Connection, Row

from concours.compete.hosted import Hosted
from concours.compete.hosted_measures import Sheet, Submitted
from concours.core.digests import Digest
from concours.core.own_scoring import OwnScoring
from concours.core.problem import Goal
from concours.core.process import Hearing
from concours.core.typed import typed
from concours.server.database.opened import Database
from concours.server.database.tables import COMPETITIONS, FILES, PHASES, SIGNALS
from concours.server.database.texts import json_of
from concours.server.hosting.competition import DATA, Competition, Phase
from concours.server.hosting.opened import Opened
from concours.server.scoring.projections import Projection


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A board that is driven.

    Attributes:
        name: to whom its signals are addressed.
        projection: makes what writes down what follows from it.
    """

    name: str
    process: Hearing[Any]
    seed: int
    projection: Callable[[Database], Projection]


def wanted(database: Database) -> Iterator[Kept]:
    """The boards of phases that are open or are being closed, and of those for which something has come in."""
    with database.reading() as db:
        called = select(SIGNALS.c.board).distinct()
        rows = db.execute(
            select(PHASES, COMPETITIONS.c.settings.label("declared"), COMPETITIONS.c.opened.label("found"))
            .join(COMPETITIONS, COMPETITIONS.c.id == PHASES.c.competition)
            .where(
                COMPETITIONS.c.opened.is_not(None),
                or_(
                    PHASES.c.state.in_(("open", "closing")), (literal("phase ") + cast(PHASES.c.id, String)).in_(called)
                ),
            )
            .order_by(PHASES.c.id)
        ).all()
        boards = [kept_of(row, _files(db, row.competition)) for row in rows]
    return iter(boards)


def kept_of(row: Row[Any], files: dict[str, Digest]) -> Kept:
    """The board of a phase."""
    competition, phase = Competition.from_json(json_of(row.declared)), typed(Phase, json_of(row.settings))
    name = f"phase {row.id}"
    return Kept(
        name=name,
        process=_hosted(name, competition, phase, Opened.from_json(json_of(row.found)), files),
        seed=competition.seed,
        projection=lambda database: Projection(database, name, row.id),
    )


def _hosted(name: str, competition: Competition, phase: Phase, opened: Opened, files: dict[str, Digest]) -> Hosted:
    public = {path: digest for path, digest in files.items() if path.startswith(f"{DATA}/")}
    limits = phase.limits
    submitted = Submitted(
        files=public,
        params={"seconds": limits.seconds, "memory_gb": limits.memory_gb, "disk_gb": limits.disk_gb},
    )
    if competition.scorer:
        return Hosted(problem=_own(competition, phase, files), name=name, submitted=submitted)
    asked = opened.of(phase.key)
    sheet = Sheet(names=asked.ids, id=asked.id, target=asked.target or None)
    return Hosted(problem=asked.problem, name=name, sheet=sheet, submitted=submitted)


def _own(competition: Competition, phase: Phase, files: dict[str, Digest]) -> OwnScoring:
    """By a host's own scorer, which compares what was sent with the truth of the phase."""
    scorer = competition.scorer
    if scorer is None:
        raise TypeError(f"{competition.slug} has no scorer of its own")
    return OwnScoring(
        name=competition.title,
        metrics=tuple(Goal(name=one.name, greater_is_better=one.greater_is_better) for one in scorer.measures),
        scorer=files[scorer.file],
        truth=files[competition.truth_of(phase)],
    )


def _files(db: Connection, competition: int) -> dict[str, Digest]:
    """The folder of a competition: digests by path."""
    rows = db.execute(select(FILES.c.path, FILES.c.digest).where(FILES.c.competition == competition))
    return {path: Digest(digest) for path, digest in rows}
