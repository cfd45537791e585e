"""Opening a competition: its data is read, what each phase asks for is found out, and a sample submission is made."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from concours.api.writing import write_table
from concours.compete.jobs import Jobs
from concours.compete.poll_jobs import reading, receiving
from concours.compete.uploads import Upload
from concours.contest.config import task_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ConcoursError, ContestError, DataError
from concours.core.event import Done
from concours.core.job import Job
from concours.core.kind import Form
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.core.written import counted
from concours.engine.ingest import Ingested, ingest, names_of
from concours.engine.runners import RUNNERS as ENGINE
from concours.engine.runners.hosted import keep_names
from concours.engine.work import JobResult, RunnerSpec, execute
from concours.entrants.recipes import resolve
from concours.server.hosting.competition import DATA, Baseline, Competition, Phase
from concours.server.hosting.opened import ID, RUNNER, Asked, Opened, PublicFile
from concours.stores.blobs import get_array, put_bundle
from concours.stores.values import get_values
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_valued
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.task import Task

RUNNERS: Mapping[str, RunnerSpec] = {
    RUNNER: RunnerSpec(
        reference="concours.server.hosting.opening:open_competition",
        version=1,
        packages=("numpy", "scipy", "scikit-learn", "pandas", "pyarrow"),
    )
}
"""The jobs of hosting; the platform's executor takes them beside those of the engine."""

_COUNTED = 1 << 28
"""Bytes of a public file of which rows and columns are still counted."""


def open_competition(job: Job, store: Store) -> JobResult:
    """Reads a competition's files, which are the inputs of the job by their path (`opened.opening_job`).

    Values: `opened`, an `Opened` as JSON. Outputs: `ids KEY` and `sample KEY` of each phase that the library scores.

    Raises:
        ContestError, DataError: the task or its data are wrong, as publishing would say.
    """
    competition = Competition.from_json(job.params["competition"])
    with laid_out(job.inputs, store) as folder:
        opened = opening(competition, folder, store, job.inputs)
    outputs = {f"{what} {one.phase}": getattr(one, what) for one in opened.asked for what in ("ids", "sample")}
    return JobResult(values={"opened": opened.to_json()}, outputs=outputs)


@contextmanager
def laid_out(files: Mapping[str, Digest], store: Store) -> Iterator[Path]:
    """A folder that holds files of a store by their path, while they are needed."""
    with tempfile.TemporaryDirectory(prefix="concours-competition-") as folder:
        for path, digest in files.items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            source = store.local_path(digest)
            try:
                os.link(source, place)
            except OSError:  # another disk, or one that has no links
                shutil.copyfile(source, place)
        yield Path(folder)


def opening(competition: Competition, folder: Path, store: Store, digests: Mapping[str, Digest]) -> Opened:
    """What the platform needs of a competition whose files lie in a folder, and by their digests in a store.

    Raises:
        ContestError, DataError: the task or its data are wrong, or nothing that a board can score.
    """
    files = tuple(
        _public(path, digest, folder) for path, digest in sorted(digests.items()) if path.startswith(f"{DATA}/")
    )
    if not competition.task:
        baselines = _baselines(competition, None, folder, store, digests)
        return Opened(
            files=files,
            baselines=baselines,
            sent=_programs(competition, store, digests),
            reading=_answered(competition, baselines, store, digests),
        )
    task = task_of(competition.task)
    kind = kind_named(task.kind)
    if "meet" in kind.output.can:
        raise ContestError(
            f"task.kind: {task.kind} cannot be hosted: entries are scored one by one, and agents have to meet; hold it "
            "by `concours run`, where agents are files"
        )
    read = cache(lambda truth, public: _ingested(task, truth, public, competition.seed, folder, store))
    sampled = cache(lambda truth: _sample(task, kind, read(truth, None), competition.seed, store))
    every = [read(competition.truth_of(phase), _public_share(phase, task)) for phase in competition.phases]
    _require_metrics(competition, every[0].problem)
    asked = [
        _asked(phase, task, found, *sampled(competition.truth_of(phase)), store=store)
        for phase, found in zip(competition.phases, every, strict=True)
    ]
    return Opened(
        asked=tuple(asked),
        files=files,
        baselines=_baselines(competition, kind.form, folder, store, digests),
        sent=_programs(competition, store, digests),
        reading=tuple(dict.fromkeys(line for found in every for line in found.reading)),
        warnings=tuple(
            dict.fromkeys([*_unnamed(task, every[0]), *(line for found in every for line in found.warnings)])
        ),
    )


def _unnamed(task: Task, found: Ingested) -> Iterator[str]:
    """What to say of rows that have no names: whoever sorts a file would have another score, and not know."""
    if task.id is None and not found.test_files and suffix_of(task.test or "") in TABLES:
        yield (
            f"task.id is not set: rows of files are told by their order in {task.test}, counted from 0; "
            "name the column of ids that it has and the rows to predict have, if there is one"
        )


def _answered(
    competition: Competition, baselines: Sequence[Mapping[str, Any]], store: Store, digests: Mapping[str, Digest]
) -> tuple[str, ...]:
    """How the prompts of an arena were read, once each baseline was seen to answer all of them; nothing elsewhere."""
    if not competition.arena:
        return ()
    prompts = Upload(file=digests[competition.arena.prompts], called=PurePosixPath(competition.arena.prompts).name)
    asked = _done(reading(prompts), store).values["texts"]
    for one in baselines:
        if "file" not in one:
            raise ContestError(f"baseline {one['name']!r}: in an arena it is a file of answers; give predictions")
        _done(receiving(Upload(file=one["file"], called=one["called"]), prompts), store)
    return (f"{prompts.called}: {counted(asked, 'prompt')}",)


def _public_share(phase: Phase, task: Task) -> float | None:
    return (task.split.public if phase.public is None else phase.public) or None


def _ingested(task: Task, truth: str, public: float | None, seed: int, folder: Path, store: Store) -> Ingested:
    asked = replace(task, test=truth, split=replace(task.split, public=public))
    return ingest(asked, store, seed=seed, folder=folder)


def _require_metrics(competition: Competition, problem: Problem) -> None:
    """Refuses boards with metrics that the task does not measure. Raises ContestError."""
    if competition.scorer:
        return
    known = [goal.name for goal in problem.metrics]
    for board in competition.boards:
        for name in board.metrics:
            if name not in known:
                measured = ", ".join(known)
                raise ContestError(
                    f"board {board.key!r}: the task measures {measured}, and not {name!r}; name it in task.metrics"
                )


def row_names(ingested: Ingested, task: Task, store: Store) -> tuple[str, list[str]]:
    """What the rows of the test part are called in files of predictions, and the column that says so.

    The task's ids; else, where each row is a file, its name; else positions from 0.

    Raises:
        DataError: two files are called alike.
    """
    if task.id is not None or not ingested.test_files:
        return task.id or ID, names_of(ingested, store, test=True)
    names = [PurePosixPath(name).name for name in ingested.test_files]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(f"{times} files of the truth are called {name!r}: rows go by the names of files; rename them")
    return "file", names


def _asked(
    phase: Phase, task: Task, found: Ingested, sample: Digest, columns: tuple[str, ...], *, store: Store
) -> Asked:
    problem = found.problem
    if problem.test is None:
        raise DataError(f"phase {phase.key!r}: its truth has no rows")
    id, names = row_names(found, task, store)
    rows = problem.test.rows
    return Asked(
        phase=phase.key,
        problem=problem,
        rows=rows,
        public_rows=int(get_array(store, problem.public).sum()) if problem.public else rows,
        ids=keep_names(names, store),
        id=id,
        target=task.target_column or "",
        columns=columns,
        sample=sample,
    )


def _sample(task: Task, kind: Kind, found: Ingested, seed: int, store: Store) -> tuple[Digest, tuple[str, ...]]:
    """A file of predictions for all rows, as the task's baseline says them, and its columns."""
    problem = found.problem
    output = output_valued(problem.output)
    id, names = row_names(found, task, store)
    p = get_values(store, baseline_predictions(kind, problem, seed, store))
    columns = output.columns(p, None, proba=_wants_probabilities(problem, output))
    table = pa.table({id: names, **columns})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample_submission.csv"
        write_table(table, file)
        with file.open("rb") as content:
            return store.put(content), tuple(table.column_names)


def _wants_probabilities(problem: Problem, output: OutputKind) -> bool:
    labels = problem.output.labels or None
    return any(output.metric(goal.name, labels).needs not in ("labels", "values") for goal in problem.metrics)


def baseline_predictions(kind: Kind, problem: Problem, seed: int, store: Store) -> Digest:
    """What the baseline of a kind predicts for the test part, fitted on the whole training part.

    Raises:
        DataError: it cannot be fitted; why.
    """
    entrant = resolve(Entrant(name=kind.baseline, recipe=kind.baseline), form=kind.form, folder=Path()).entrant
    jobs = Jobs(problem=problem, final="refit", threads=1, seed=seed, candidate=Candidate(entrant=entrant))
    prepare = jobs.prepare(None)
    prepared = _done(prepare, store) if prepare else None
    return _done(jobs.fit(None, prepared), store).outputs["test"]


def _done(job: Job, store: Store) -> Done:
    event = execute(job, store, ENGINE)
    if not isinstance(event, Done):
        raise DataError(f"{job.label}: {event.reason}")
    return event


def _baselines(
    competition: Competition, form: Form | None, folder: Path, store: Store, digests: Mapping[str, Digest]
) -> tuple[Mapping[str, Any], ...]:
    """What the signal `joined` of each baseline says."""
    return tuple(_joining(one, form, folder, store, digests) for one in competition.baselines)


def _joining(
    baseline: Baseline, form: Form | None, folder: Path, store: Store, digests: Mapping[str, Digest]
) -> dict[str, Any]:
    said: dict[str, Any] = {"name": baseline.name, "baseline": True}
    if path := baseline.predictions or baseline.code:
        called = PurePosixPath(path).name + ("" if path in digests else ".zip")
        what = "file" if baseline.predictions else "program"
        return {**said, what: _sent(path, store, digests), "called": called}
    if form is None:
        raise ContestError(f"baseline {baseline.name!r}: a recipe needs a [task]; give predictions or code")
    resolved = resolve(Entrant(name=baseline.name, recipe=baseline.recipe), form=form, folder=folder)
    if resolved.asked or resolved.skipped:
        why = resolved.skipped or "it names code that the library does not know: give it as code, for the sandbox"
        raise ContestError(f"baseline {baseline.name!r}: recipe {baseline.recipe!r}: {why}")
    entrant = resolved.entrant
    return {**said, "recipe": entrant.recipe, "params": dict(entrant.params), "prepare": entrant.prepare or "none"}


def _programs(competition: Competition, store: Store, digests: Mapping[str, Digest]) -> dict[str, Digest]:
    """The host's programs and what they are given, by path."""
    if not (scorer := competition.scorer):
        return {}
    truths = [path for phase in competition.phases for path in (competition.truth_of(phase), phase.rest)]
    wanted = [scorer.file, scorer.program, scorer.ingestion, *truths]
    return {path: _sent(path, store, digests) for path in dict.fromkeys(filter(None, wanted))}


def _sent(path: str, store: Store, digests: Mapping[str, Digest]) -> Digest:
    """What is submitted: a file, or a folder as an archive of its files."""
    if path in digests:
        return digests[path]
    inner = {one.removeprefix(f"{path}/"): digest for one, digest in digests.items() if one.startswith(f"{path}/")}
    if not inner:
        raise ContestError(f"{path}: a file, or a folder with some, was expected")
    return put_bundle(store, {name: _bytes(store, digest) for name, digest in inner.items()})


def _bytes(store: Store, digest: Digest) -> bytes:
    with store.open(digest) as file:
        return file.read()


def _public(path: str, digest: Digest, folder: Path) -> PublicFile:
    """A public file, with its size; of a table also its rows and columns."""
    size = (folder / path).stat().st_size
    rows = columns = None
    if suffix_of(path) in TABLES and size <= _COUNTED:
        try:
            x = open_source(path, folder, Options(input="table")).x
        except ConcoursError:  # it is shown as a file; whether the task can be read is told elsewhere
            x = None
        if isinstance(x, pa.Table):
            rows, columns = x.num_rows, x.num_columns
    return PublicFile(path=path, digest=digest, bytes=size, rows=rows, columns=columns)
