"""Running jobs of a contest once more, on the same inputs, to see whether they yield the same."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concours.core import consent
from concours.core.digests import Digest, canonical_json
from concours.core.errors import DataError, nearest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Executor, Listener
from concours.engine.limits import Limits, memory_per_worker
from concours.engine.prediction import asked_of_job, asked_of_model
from concours.engine.runners import RUNNERS
from concours.runs import session
from concours.runs.folder import RunFolder
from concours.runs.replay import Recalled
from concours.runs.trust import Trust, permitted, remembered
from concours.stores.address import AddressedStore

_JOB_S = 3600.0
_FEW = 4
"""The shortest beginning of a digest that names a job."""


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """How a job ended the second time.

    Attributes:
        same: whether outputs and values are, bit by bit, those of the journal.
        text: what differs, or why it cannot be told.
        first_s, wall_s: seconds that it took then and now.
    """

    label: str
    job: Digest
    same: bool
    text: str
    first_s: float
    wall_s: float

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return vars(self).copy()


def chosen(jobs: Mapping[Digest, Recalled], names: Sequence[str]) -> list[Recalled]:
    """The jobs that names stand for, in the order of the plans: `all`, a label, what a label begins with up to its
    colon (an entrant, a joint model, a preparation), or the beginning of a digest. What met a limit of time or memory
    is left out: under the limits of today it may end otherwise; and so is what nobody can do again here (`only_once`).

    Raises:
        DataError: a name stands for none; the message lists the choices.
    """
    found: dict[Digest, Recalled] = {}
    jobs = {digest: job for digest, job in jobs.items() if not (_met_limit(job.event) or only_once(job.job))}
    for name in names:
        matching = {digest: job for digest, job in jobs.items() if _is(job.job, name)}
        if not matching:
            groups = dict.fromkeys(job.job.label.partition(":")[0] for job in jobs.values())
            labels = [job.job.label for job in jobs.values()]
            like = nearest(name, [*groups, "all", *labels]).partition("known: ")[0] if name else ""
            raise DataError(
                f"no job to run again is called {name!r}; {like}choices: all, {', '.join(groups)}; "
                f"one job by its label, e.g. {next((x for x in labels if ':' in x), 'evaluate')!r}, or by its digest"
            )
        found |= matching
    return [job for digest, job in jobs.items() if digest in found]


def rerun(
    folder: RunFolder,
    jobs: Sequence[Recalled],
    *,
    engine: str,
    trust: Trust | None,
    listener: Listener,
) -> Iterator[Rerun]:
    """Runs jobs again, one after the other, in workers and on a store that are thrown away.

    Raises:
        TrustError: one would run code that the folder brings or names, and that was not agreed to.
    """
    if not jobs:
        return
    who, known = f"running jobs of {folder.path} again runs", remembered(folder.path)
    agreed = permitted(_asked(jobs, folder.store), known=known, who=who, trust=trust)
    with consent.granted(agreed), _aside(folder) as place:
        limits = Limits(seconds=_JOB_S, memory=memory_per_worker(1))
        executor = session.executor_for(engine, place, 1, limits, listener)
        try:
            for recalled in jobs:
                yield _again(recalled, executor, place.store, folder.store)
        finally:
            executor.close()


def _again(recalled: Recalled, executor: Executor, view: AddressedStore, store: AddressedStore) -> Rerun:
    """One job, once more."""
    job, first = recalled.job, recalled.event
    damaged = [name for name, digest in job.inputs.items() if not store.verify(digest)]
    if damaged:
        text = f"not run: its input {damaged[0]} is damaged or missing"
        return Rerun(label=job.label, job=job.digest, same=False, text=text, first_s=first.cost.wall_s, wall_s=0.0)
    executor.submit(job)
    event = next(iter(executor.outcomes()))
    what = _difference(first, event)
    if what and not recalled.current:
        what += "; the code here is not that which did it then"
    for digest in event.outputs.values() if isinstance(event, Done) else ():
        view.delete(digest)
    return Rerun(
        label=job.label,
        job=job.digest,
        same=not what,
        text=what,
        first_s=round(first.cost.wall_s, 3),
        wall_s=round(event.cost.wall_s, 3),
    )


def _difference(first: Done | Failed, event: Done | Failed) -> str:
    """In what two outcomes differ; empty if in nothing but their cost."""
    if isinstance(event, Failed):
        if isinstance(first, Failed):
            return "" if first.cause == event.cause else f"failed again, but otherwise: {event.reason}"
        return f"failed: {event.reason}"
    if isinstance(first, Failed):
        return f"ended well, and had failed: {first.reason}"
    then, now = ({**done.outputs, **json.loads(canonical_json(dict(done.values)))} for done in (first, event))
    other = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return f"other bytes or values: {', '.join(other)}" if other else ""


def only_once(job: Job) -> str:
    """Why a job cannot be done again here; empty for those that can."""
    return "their rows lie at sites" if job.needs.site else RUNNERS[job.runner].once if job.runner in RUNNERS else ""


def _met_limit(event: Done | Failed) -> bool:
    return isinstance(event, Failed) and event.retryable


@contextmanager
def _aside(folder: RunFolder) -> Iterator[RunFolder]:
    """A folder for the time being, whose store shows the objects of the real one; what is written stays in it."""
    place = Path(tempfile.mkdtemp(prefix="concours-verify-"))
    try:
        yield RunFolder(place, beneath=folder.store.address)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _is(job: Job, name: str) -> bool:
    hexadecimal = name.removeprefix("sha256:")
    of_digest = len(hexadecimal) >= _FEW and job.digest.removeprefix("sha256:").startswith(hexadecimal)
    return bool(name) and (name == "all" or name in (job.label, job.label.partition(":")[0]) or of_digest)


def _asked(jobs: Sequence[Recalled], store: AddressedStore) -> frozenset[str]:
    """What the jobs run that is asked about: their own recipes and metrics, and those of the models that they use."""
    models = {d for recalled in jobs for name, d in recalled.job.inputs.items() if name.startswith("model")}
    return frozenset[str]().union(
        *(asked_of_job(recalled.job) for recalled in jobs), *(asked_of_model(store, d) for d in models if d in store)
    )
