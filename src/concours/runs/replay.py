"""Replaying a finished contest from its journal alone, whichever code is installed here and whatever the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from concours.contest.circle import circle
from concours.contest.formats import FORMATS
from concours.contest.looking import narrowed_to
from concours.contest.setup import Setup
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed, Outcome
from concours.core.job import Job
from concours.core.ports import Notice, Record
from concours.core.standings import Standing, Standings
from concours.engine.identity import code_digests
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.runs.folder import RunFolder
from concours.runs.result import Result


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """A job of the plan, how the journal says that it ended, and whether the code that did it is the one of today."""

    job: Job
    event: Done | Failed
    current: bool


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a journal leads to.

    Attributes:
        jobs: those that the plans asked for and the journal knows, by their digests, in the order of the plans.
        taken: what was taken from the kept result, because the clock decided it and the journal does not hold it.
    """

    result: Result
    jobs: Mapping[Digest, Recalled]
    taken: tuple[str, ...] = ()


def replays(folder: RunFolder, setup: Setup, records: Sequence[Record], kept: Result | None) -> Iterator[Replay]:
    """What the journal leads to, in each way that the kept result may have come about; none of them runs anything.

    A job may have been done by several codes: that of today counts, or else the one of the last record; in the second
    way always the last. What a search came to may have hung on the clock: in the third way its choice is taken from the
    kept result. Who was given up for lack of time is taken from it in all of them.
    """
    if kept is None:
        yield _replay(folder, setup, records, last=False)
        return
    late = _late(kept, records)
    given_up = {name: line.reason for name, line in late.items()}
    staged = FORMATS[setup.format].before is not None  # there they played, before time was short
    known = setup if staged else replace(setup, skipped={**setup.skipped, **given_up})
    given_up = given_up if staged else {}
    taken = (f"who ran out of time ({', '.join(late)})",) if late else ()
    for last in (False, True):
        replay = replace(_replay(folder, known, records, last=last, late=given_up), taken=taken)
        yield _as_kept(replay, late, kept, setup)
    searching = [c.entrant.name for c in setup.candidates if c.entrant.search and c.entrant.name in kept.candidates]
    if searching:
        chosen = replace(known, candidates=tuple(_chosen(c, kept.candidates) for c in known.candidates))
        told = (*taken, f"what the searches chose ({', '.join(searching)})")
        replay = _replay(folder, chosen, records, last=False, late=given_up)
        yield _as_kept(replace(replay, taken=told), late, kept, setup)


def hidden(folder: RunFolder, setup: Setup, records: Sequence[Record], kept: Result) -> list[str]:
    """Those that ran out of time by the kept result, though the journal knows of every job of theirs."""
    late = _late(kept, records)
    board = _replay(folder, setup, records, last=False).result.standings if late else ()
    return [line.entrant.name for line in board if line.entrant.name in late and line.cv_score]


def _replay(
    folder: RunFolder,
    setup: Setup,
    records: Sequence[Record],
    *,
    last: bool,
    late: Mapping[str, str] = MappingProxyType({}),
) -> Replay:
    codes: dict[Digest, list[Digest | None]] = {}
    for record in records:
        if isinstance(record.event, Outcome):
            codes.setdefault(record.event.job, []).append(record.code)
    jobs: dict[Digest, Recalled] = {}
    of_today = code_digests(RUNNERS)

    def code(job: Job) -> Digest:
        today, known = of_today(job), codes.get(job.digest, [])
        return today if not known or (today in known and not last) else Digest(known[-1] or "")

    def hear(notice: Notice) -> None:
        job, event = notice.job, notice.event
        if job and event and job.digest not in jobs:
            jobs[job.digest] = Recalled(job=job, event=event, current=code(job) == of_today(job))

    engine = Engine(store=folder.store, journal=MemoryJournal(list(records)), executor=None, code=code, listener=hear)
    return Replay(result=Result.of(circle(engine, setup, late=late), setup, folder), jobs=jobs)


def _chosen(candidate: Candidate, known: Mapping[str, Candidate]) -> Candidate:
    """A candidate that searches, with the parameters that its search has come to."""
    entrant = candidate.entrant
    if not entrant.search or entrant.name not in known:
        return candidate
    return replace(candidate, entrant=replace(entrant, params=known[entrant.name].entrant.params, search={}))


def _late(kept: Result, records: Sequence[Record]) -> dict[str, Standing]:
    """The lines of those that were not begun or given up as they would be late, of which the journal has no record."""
    recorded = {record.event.reason for record in records if isinstance(record.event, Failed)}
    lines = [line for line in kept.standings if line.status == "out_of_time" and line.reason not in recorded]
    return {line.entrant.name: line for line in lines}


def _as_kept(replay: Replay, late: Mapping[str, Standing], kept: Result, setup: Setup) -> Replay:
    """With the kept lines of those that ran out of time, the unranked in the kept order, and the setup as it is.

    What a choice flatters hangs on which trials of a search had ended: where the journal has more of them, what the
    kept result says of that is taken.
    """
    places = {line.entrant.name: place for place, line in enumerate(kept.standings)}
    lines = [late.get(line.entrant.name, line) for line in replay.result.standings]
    if any(candidate.entrant.search for candidate in setup.candidates):
        known = {line.entrant.name: line for line in kept.standings}
        told = {name for name, line in known.items() if line.corrected is not None}
        cut = [line.entrant.name for line in lines if line.corrected is None and line.entrant.name in told]
        if cut:
            lines = [_reaching(line, known.get(line.entrant.name, line)) for line in lines]
            replay = replace(replay, taken=(*replay.taken, f"what having been chosen flatters ({', '.join(cut)})"))
    last = [line for line in lines if line.rank is None]
    last.sort(key=lambda line: places.get(line.entrant.name, len(places)))
    standings = Standings((*(line for line in lines if line.rank is not None), *last))
    judging = narrowed_to(setup, replay.result.looked)
    return replace(replay, result=replace(replay.result, standings=standings, setup=judging))


def _reaching(line: Standing, kept: Standing) -> Standing:
    return replace(
        line,
        ci=kept.ci,
        intervals=kept.intervals,
        corrected=kept.corrected,
        rank_best=kept.rank_best,
        rank_worst=kept.rank_worst,
        ranks=kept.ranks,
    )
