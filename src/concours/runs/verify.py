"""Verifying: whether the receipt of a contest holds, and whether its jobs still yield what they did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from concours.contest.setup import Setup
from concours.core.digests import Digest
from concours.core.errors import ConcoursError, RunFolderError
from concours.core.event import Done
from concours.core.ports import Listener, Record, ignore
from concours.core.written import counted
from concours.engine.journal import damaged_lines, read_journal
from concours.engine.made import made_by
from concours.engine.versions import versions
from concours.runs.differing import differences, short
from concours.runs.folder import RunFolder, current
from concours.runs.kept import kept_setup
from concours.runs.replay import Recalled, Replay, hidden, replays
from concours.runs.rerun import Rerun, chosen, only_once, rerun
from concours.runs.result import SCHEMA, Result
from concours.runs.trust import Trust
from concours.tasks.outputs.table import OUTPUTS, output_valued

State = Literal["ok", "told", "fault"]
Progress = Callable[[int, int], None]
"""Told how many bytes of how many have been read."""

_AGAIN = "run the contest again with the same command"
_MOST = 8


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check came to: it is well, or something is to be known, or the receipt does not hold.

    Attributes:
        subject: what was checked, in a word.
        cure: what to do; empty where there is nothing to be done.
    """

    subject: str
    state: State
    text: str
    cure: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What verifying a run folder came to.

    Attributes:
        finished: whether there is a result to verify; if not, what there is was checked.
        objects, bytes, jobs: how many were checked.
    """

    name: str
    folder: Path
    digest: str | None
    findings: tuple[Finding, ...]
    objects: int
    bytes: int
    jobs: int
    reruns: tuple[Rerun, ...] = ()

    @property
    def finished(self) -> bool:
        return self.digest is not None

    @property
    def faults(self) -> list[Finding]:
        """What does not hold."""
        return [finding for finding in self.findings if finding.state == "fault"]

    @property
    def holds(self) -> bool:
        """Whether nothing that was checked speaks against the receipt."""
        return not self.faults and all(done.same for done in self.reruns)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "task": self.name,
            "holds": self.holds,
            "finished": self.finished,
            "digest": self.digest,
            "objects": self.objects,
            "bytes": self.bytes,
            "jobs": self.jobs,
            "findings": [vars(finding) for finding in self.findings],
            "rerun": [done.to_json() for done in self.reruns],
        }


def verify(
    path: Path | str,
    *,
    again: Sequence[str] = (),
    engine: str = "processes",
    trust: Trust | None = None,
    progress: Progress = lambda _done, _all: None,
    listener: Listener = ignore,
) -> Verified:
    """Checks a run folder, writing nothing into it; needs no lock.

    Every object that the result needs is read and its digest computed; the journal's checksums and numbers are checked;
    the journal is replayed, which must give the kept result and candidates; and the digests of result and problem must
    follow from what they cover. The versions and the code of jobs are compared with those here: a difference is told,
    and is no fault.

    Args:
        again: jobs to run once more (`runs.rerun.chosen`); their outputs must be the same, bit by bit.
        engine: `processes` or `inline`, for those jobs.
        trust: asked, with a sentence, before code runs that was not agreed to when the folder was made here; by default
            it is refused.

    Raises:
        RunFolderError: there is no run in the folder, or nothing that can be checked yet.
        DataError: there is no such job to run again. TrustError: code was not to be run.
    """
    folder = current(path)
    setup = _setup(folder)
    records, damaged = read_journal(folder.journal)
    kept, unreadable = _kept(folder)
    replay, matched = _replayed(folder, setup, records, kept)
    known = replay.jobs if replay else {}
    jobs = chosen(known, again) if again else []
    findings = [*unreadable, *_journal(folder, records, damaged)]
    needs = _needs(setup, known, kept)
    objects, size, wrong = _objects(folder, needs, records, progress)
    findings += [*wrong, *_makers(folder, known)]
    findings += _identity(folder, setup)
    if replay is None:
        findings += _unreadable(kept)
    elif kept:
        findings += _result(folder, setup, records, kept, replay, matched)
    elif not unreadable:
        findings.append(_unfinished(known))
    findings += [*(_versions(kept) if kept else []), *_code(known), *_once(known)]
    return Verified(
        name=setup.problem.name,
        folder=folder.path,
        digest=None if kept is None and not unreadable else (folder_digest(folder) or ""),
        findings=tuple(findings),
        objects=objects,
        bytes=size,
        jobs=len(known),
        reruns=tuple(rerun(folder, jobs, engine=engine, trust=trust, listener=listener)),
    )


def _once(jobs: Mapping[Digest, Recalled]) -> list[Finding]:
    """Jobs of which the journal's word has to be taken: `--rerun` leaves them out."""
    reasons = Counter(why for recalled in jobs.values() if (why := only_once(recalled.job)))
    return [
        Finding(subject="jobs", state="told", text=f"{counted(count, 'job')} cannot be run again here: {why}")
        for why, count in reasons.items()
    ]


def folder_digest(folder: RunFolder) -> str | None:
    """The digest that result.json says it has, if it can be read."""
    try:
        value = folder.read("result.json")
    except RunFolderError:
        return None
    digest = value.get("digest") if isinstance(value, dict) else None
    return digest if isinstance(digest, str) else None


def _setup(folder: RunFolder) -> Setup:
    setup = kept_setup(folder)
    if setup is None:
        raise RunFolderError(
            f"the contest in {folder.path} has only begun to read its data; nothing can be checked yet"
        )
    return setup


def _kept(folder: RunFolder) -> tuple[Result | None, list[Finding]]:
    """The result in the folder, if there is one; and what keeps it from being read."""
    names = ("result.json", "candidates.json")
    there = [name for name in names if (folder.path / name).exists()]
    if not there:
        return None, []
    if len(there) == 1:
        (missing,) = {*names} - {*there}
        text = f"{missing} is missing, and {there[0]} is there"
        return None, [Finding(subject="result", state="fault", text=text, cure=f"{_AGAIN}: it is written anew")]
    try:
        return Result.load(folder.path), []
    except (ConcoursError, ValueError) as error:
        text = str(error).partition("; run the contest")[0]
        return None, [Finding(subject="result", state="fault", text=text, cure=f"{_AGAIN}: it is written anew")]


def _replayed(
    folder: RunFolder, setup: Setup, records: Sequence[Record], kept: Result | None
) -> tuple[Replay | None, bool]:
    """The way that leads to the kept result, and whether there is one; without, the first way.

    None where this version cannot read what jobs yielded then.
    """
    first: Replay | None = None
    try:
        for replay in replays(folder, setup, records, kept):
            first = first or replay
            if kept and replay.result.digest == kept.digest:
                return replay, True
    except (ConcoursError, KeyError, TypeError, ValueError, IndexError):
        return None, False
    return first, False


def _unreadable(kept: Result | None) -> list[Finding]:
    """That the journal cannot be replayed here."""
    made = kept.versions.get("concours", "unknown") if kept else "unknown"
    text = (
        f"the journal cannot be replayed: what its jobs yielded is not in the form that this version reads (made with "
        f"Concours {made}, here {versions().get('concours', 'unknown')})"
    )
    cure = f"check with the version that made it, or {_AGAIN}: jobs whose form has changed are done again"
    return [Finding(subject="result", state="fault", text=text, cure=cure)]


def _journal(folder: RunFolder, records: Sequence[Record], damaged: int) -> list[Finding]:
    """Its checksums and numbers."""
    lost = "those jobs are done again if the contest is run with the same command; a whole journal needs a new folder"
    found = []
    if not records:
        return [Finding(subject="journal", state="fault", text=f"{folder.journal.name} holds no record", cure=_AGAIN)]
    if damaged:
        where = ", ".join(str(number) for number in damaged_lines(folder.journal)[:_MOST])
        text = f"{folder.journal.name}: {counted(damaged, 'line')} with a wrong checksum: line {where}"
        found.append(Finding(subject="journal", state="fault", text=text, cure=lost))
    numbers = [record.number for record in records]
    gaps = [n for before, n in zip([-1, *numbers], numbers, strict=False) if n != before + 1]
    if gaps and not damaged:
        text = f"{folder.journal.name}: the numbers of the records jump before number {gaps[0]}: lines are missing"
        found.append(Finding(subject="journal", state="fault", text=text, cure=lost))
    if not found:
        text = f"{counted(len(records), 'record')}, every checksum right, numbered without a gap"
        found.append(Finding(subject="journal", state="ok", text=text))
    return found


def _needs(setup: Setup, jobs: Mapping[Digest, Recalled], kept: Result | None) -> dict[Digest, str]:
    """Every object that the result needs, with what it is."""
    found: dict[Digest, str] = {}
    for part, rows in (("training part", setup.problem.train), ("test part", setup.problem.test)):
        if rows:
            found |= {getattr(rows, name): f"{name} of the {part}" for name in ("x", "y", "ids")}
            found |= {digest: f"{name} of the {part}" for name, digest in rows.counting.items()}
    found |= {setup.problem.folds: "the folds"}
    found |= {setup.problem.public: "which rows are public"} if setup.problem.public else {}
    found |= {c.code: f"the file of {c.entrant.name}" for c in setup.candidates if c.code}
    found |= {digest: f"predictions of {c.entrant.name}" for c in setup.candidates for digest in c.recorded.values()}
    found |= setup.told_apart | dict.fromkeys(setup.given, "rows without labels")
    for recalled in jobs.values():
        if isinstance(recalled.event, Done):
            found |= {digest: f"{name} of “{recalled.job.label}”" for name, digest in recalled.event.outputs.items()}
    for candidate in kept.candidates.values() if kept else ():
        whose = (*candidate.models, candidate.oof, candidate.test)
        found = {digest: f"a model or prediction of {candidate.entrant.name}" for digest in whose if digest} | found
    return found


def _objects(
    folder: RunFolder, needs: Mapping[Digest, str], records: Sequence[Record], progress: Progress
) -> tuple[int, int, list[Finding]]:
    """How many objects were read, their bytes, and what is wrong with them."""
    store = folder.store
    outputs = (r.event.outputs.values() for r in records if isinstance(r.event, Done))
    others = {digest for digests in outputs for digest in digests} - needs.keys()
    sizes = {digest: store.size(digest) for digest in (*needs, *sorted(others)) if digest in store}
    whole, done, everything = set[Digest](), 0, sum(sizes.values())
    for digest, size in sizes.items():
        if store.verify(digest):
            whole.add(digest)
        done += size
        progress(done, everything)
    found = []
    for digest, what in needs.items():
        if digest not in whole:
            state = "is damaged" if digest in sizes else "is missing"
            text = f"{_place(digest)} ({what}) {state}"
            found.append(Finding(subject="objects", state="fault", text=text, cure=f"{_AGAIN}: it is made anew"))
    if not found:
        found.append(Finding(subject="objects", state="ok", text=f"all {len(needs):,} are what their names say"))
    stale = [digest for digest in others if digest not in whole]
    if stale:
        text = f"{counted(len(stale), 'object')} of earlier sessions damaged or gone; the result does not need them"
        found.append(Finding(subject="objects", state="told", text=text))
    return len(sizes), everything, found


def _makers(folder: RunFolder, jobs: Mapping[Digest, Recalled]) -> list[Finding]:
    """Models that say that another job made them than the one that the journal names."""
    store, found = folder.store, []
    for recalled in jobs.values():
        model = recalled.event.outputs.get("model") if isinstance(recalled.event, Done) else None
        if model and model in store and not made_by(recalled.job, model, store):
            text = f"{_place(model)} (model of “{recalled.job.label}”) says that another job made it"
            found.append(Finding(subject="models", state="fault", text=text, cure=f"{_AGAIN}: it is made anew"))
    return found


def _place(digest: Digest) -> str:
    """Where an object lies in a run folder, cut short."""
    name = digest.partition(":")[2]
    return f"store/{name[:2]}/{name[2:14]}…"


def _identity(folder: RunFolder, setup: Setup) -> list[Finding]:
    """Whether setup.json is that of this run."""
    run = folder.read("run.json")
    cure = f"{_AGAIN}: setup.json is written anew"
    if run.get("task") != setup.problem.digest:
        text = f"setup.json has the digest {setup.problem.digest[:19]}…, run.json says {str(run.get('task'))[:19]}…"
        return [Finding(subject="problem", state="fault", text=text, cure=cure)]
    if run.get("seed") != setup.seed:
        text = f"setup.json has the seed {setup.seed}, run.json says {run.get('seed')}"
        return [Finding(subject="problem", state="fault", text=text, cure=cure)]
    output = setup.problem.output
    if output.name in OUTPUTS and output_valued(output).value.can != output.can:
        text = f"what {output.name} can be asked for is not the same in setup.json and in the code that is here"
        return [Finding(subject="problem", state="told", text=text)]
    return [Finding(subject="problem", state="ok", text="data, split and metrics have the digest of this run")]


def _result(
    folder: RunFolder, setup: Setup, records: Sequence[Record], kept: Result, replay: Replay, matched: bool
) -> list[Finding]:
    """Whether result.json and candidates.json follow from the journal, and the digest from both."""
    value = folder.read("result.json")
    cure = f"{_AGAIN}: it recalls the jobs and writes both files anew"
    wrong = []
    if value.get("digest") != kept.digest:
        wrong.append("result.json: its digest does not follow from what it and candidates.json say")
    wrong += [
        f"result.json: {name} is out of time, but the journal has all jobs of it"
        for name in hidden(folder, setup, records, kept)
    ]
    ours = json.loads(json.dumps(replay.result.to_json()))
    if value.get("schema") not in range(1, SCHEMA + 1):
        wrong.append(f"result.json: schema is {short(value.get('schema'))}; known are 1 to {SCHEMA}")
    aside = ("versions", "digest", "schema")
    same = {name: item for name, item in ours.items() if name not in aside}
    wrong += [f"result.json: {text}" for text in differences({n: v for n, v in value.items() if n not in aside}, same)]
    known = json.loads(json.dumps([_plain(c.to_json()) for c in kept.candidates.values()]))
    again = json.loads(json.dumps([_plain(c.to_json()) for c in replay.result.candidates.values()]))
    wrong += [f"candidates.json: {text}" for text in differences(_by_name(known), _by_name(again))]
    if wrong and not matched and not replay.result.complete and kept.complete:
        lost = "the journal does not lead to the result: jobs of it are missing there, or the plan of this version of "
        wrong = [f"{lost}Concours is another than that of {kept.versions.get('concours', 'the receipt')}", *wrong]
    if wrong:
        more = [f"and {len(wrong) - _MOST} more differences"] if len(wrong) > _MOST else []
        texts = [*wrong[:_MOST], *more]
        return [Finding(subject="result", state="fault", text=text, cure=cure) for text in texts]
    text = f"board, joint models and digest follow from the journal, {counted(len(replay.jobs), 'job')} replayed"
    found = [Finding(subject="result", state="ok", text=text)]
    if replay.taken:
        text = f"taken from result.json, as the clock decided it: {'; '.join(replay.taken)}"
        found.append(Finding(subject="clock", state="told", text=text))
    return found


def _plain(candidate: dict[str, Any]) -> dict[str, Any]:
    """Without its search, which is part of the contest's setup."""
    return {**candidate, "entrant": {k: v for k, v in candidate["entrant"].items() if k != "search"}}


def _by_name(candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {candidate["entrant"]["name"]: candidate for candidate in candidates}


def _versions(kept: Result) -> list[Finding]:
    here = versions(kept.setup.plugins.values())
    names = sorted({*here, *kept.versions})
    other = [
        f"{name} {kept.versions.get(name, 'absent')}, here {here.get(name, 'absent')}"
        for name in names
        if here.get(name) != kept.versions.get(name)
    ]
    if other:
        return [Finding(subject="versions", state="told", text="; ".join(other))]
    return [Finding(subject="versions", state="ok", text=f"{len(names)} packages are here as they were then")]


def _unfinished(jobs: Mapping[Digest, Recalled]) -> Finding:
    failed = sum(not isinstance(recalled.event, Done) for recalled in jobs.values())
    done = counted(len(jobs), "job") + (f", {failed} of them failed" if failed else "")
    text = f"the contest has not come to its end: {done} so far, no result to check yet"
    return Finding(subject="result", state="told", text=text, cure=f"{_AGAIN}: it goes on")


def _code(jobs: Mapping[Digest, Recalled]) -> list[Finding]:
    """Which jobs were done by other code than that of today."""
    other = [recalled.job.label for recalled in jobs.values() if not recalled.current]
    if not jobs:
        return []
    if not other:
        return [Finding(subject="code", state="ok", text="every job was done by the code that is here")]
    labels = ", ".join(f"“{label}”" for label in other[:3]) + (", …" if len(other) > 3 else "")
    text = (
        f"{counted(len(other), 'job')} of {len(jobs)} were done by other code than is here, so running the "
        f"contest on would do them again: {labels}"
    )
    return [Finding(subject="code", state="told", text=text)]
