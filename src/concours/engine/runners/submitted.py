"""What somebody submitted as code, or a host's own scorer, run in a sandbox (`engine.sandbox`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from concours.core.digests import Digest, canonical_json
from concours.core.errors import ContentRefused, RunStopped
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.sandbox.box import Box
from concours.engine.sandbox.python import PYTHON
from concours.engine.submitted.boxed import aside, bounds_of, inputs_of, laid_out, ran, say, values_of
from concours.engine.submitted.forms import ENTRY, started
from concours.engine.submitted.scorers import numbers_of, program_of
from concours.engine.submitted.unpacking import unpacked
from concours.engine.work import JobResult
from concours.stores.blobs import put_bundle

_CODE: Final = "/code"
_BEGIN: Final = 'cp -R /code/. . && exec "$@"'
"""A program begins among its own files, which it may change."""
_TOLD: Final = "/concours/job.json"
_PREDICTIONS: Final = ("predictions", "prediction", "submission")
_MOST_PACKED: Final = 1 << 29
_HIDDEN: Final = "the host's own scorer did not score this file; its hosts find why in the log of this job"


def run_submission(job: Job, store: Store) -> JobResult:
    """Runs submitted code on the public data; keeps the file of predictions that it wrote as `file`.

    It begins in a folder with what was sent; `data/` there has the public data. What a submission may be is
    `engine.submitted.forms.FORMS`. An entrant is trained and asked by our own program, which reads the data as the
    library reads it. The log of the job is for those who sent it.

    Inputs: `program`, a file or an archive; `public/PATH`, the public data, as `data/…`; `ingestion`, where the
    competition brings a program that runs what was sent. Parameters: `called`, the program's name; `seconds`,
    `memory_gb`, `disk_gb`, the limits; `task`, the table of the contest file, and `asked`, the file of `data/` with the
    rows to predict, where there are such; `ingestion_command`.

    Values: `called`, the name of the file; `seconds`; `peak_bytes`.

    Raises:
        RunStopped: it did not end well, wrote no predictions, or is nothing that is known.
        NoSandbox: no box can be made here.
    """
    bounds = bounds_of(job)
    with ExitStack() as stack:
        code = stack.enter_context(_sent(job, store, "program", bounds.output_bytes))
        public = stack.enter_context(laid_out(_public(job), store))
        made = _ingesting(job, store, stack, code) if "ingestion" in job.inputs else _starting(job, code)
        box = Box(
            command=made.command,
            files={**made.files, made.data: public},
            out=made.out,
            env={"CONCOURS_SEED": str(job.seed % 2**32)},
            bounds=bounds,
        )
        sent = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
        ended = ran(box, store)
    name, digest = _written(ended.outputs, sent, store, several="task" not in job.params)
    for path, why in ended.refused.items():
        say(f"{path} is not taken: it {why}")
    return JobResult(outputs={"file": digest}, values={"called": name, **values_of(ended)})


def run_scorer(job: Job, store: Store) -> JobResult:
    """Scores a file by a host's own scorer: `engine.submitted.scorers` says which forms there are.

    The log of the job may hold anything of the truth: it is for the hosts alone, and no reason of a failure repeats it,
    but for what a scorer tells participants by an error that is named so (`ParticipantVisibleError`,
    `InvalidSubmissionError`).

    Inputs: `scorer`, a file of Python or the archive of a program; `truth`; `file`, what is scored. Parameters:
    `called`, the name of what is scored; `scorer_called` and `truth_called`, those of the others; `command`, of a
    program; `id`, the column with the ids of rows; `split`, of EvalAI; `seconds`, `memory_gb`, `disk_gb`.

    Values: the numbers by name, finite.

    Raises:
        RunStopped: it failed, gave no numbers, or refuses the file; the reason is for participants.
        NoSandbox: no box can be made here.
    """
    bounds = bounds_of(job)
    with ExitStack() as stack:
        folders = {
            name: stack.enter_context(_sent(job, store, name, bounds.output_bytes))
            for name in ("scorer", "truth", "file")
        }
        program = program_of(job.params, folders)
        box = Box(command=program.command, files=program.files, out=program.out, folder=program.folder, bounds=bounds)
        try:
            ended = ran(box, store)
        except RunStopped as error:
            say(f"the scorer failed: {error}")
            raise RunStopped(_HIDDEN, cause=error.cause, limit=error.limit) from None
    contents = {path: _read(store, digest) for path, digest in ended.outputs.items() if path in program.written}
    found = numbers_of(contents)
    if found.told:
        raise RunStopped(found.told, cause="exception")
    if found.wrong:
        say(f"the scorer failed: {found.wrong}")
        raise RunStopped(_HIDDEN, cause="exception")
    return JobResult(values=found.numbers)


class _Made:
    """How a submission is run: its command, and where things lie."""

    def __init__(self, command: tuple[str, ...], files: Mapping[str, Path | bytes], data: str, out: str) -> None:
        self.command, self.files, self.data, self.out = command, files, data, out


def _starting(job: Job, code: Path) -> _Made:
    files = sorted(path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file())
    try:
        found = started(code, files)
    except ContentRefused as error:
        raise RunStopped(str(error), cause="recipe") from None
    for name, content in found.files.items():
        (code / name).write_bytes(content)
        (code / name).chmod(0o644)
    command, more = found.command, dict[str, Path | bytes]()
    if found.recipe:
        if "task" not in job.params or not job.params.get("asked"):
            raise RunStopped(
                "an entrant is for a competition whose task the library knows; send a program (main.py) here",
                cause="recipe",
            )
        task = {key: value for key, value in job.params["task"].items() if key != "test"}
        told = {"task": task, "asked": job.params["asked"], "recipe": found.recipe, "seed": job.seed}
        command, more = (PYTHON, "-m", ENTRY, _TOLD), {_TOLD: canonical_json(told)}
    return _Made(("sh", "-c", _BEGIN, "sh", *command), {_CODE: code, **more}, "/out/data", "/out")


def _ingesting(job: Job, store: Store, stack: ExitStack, code: Path) -> _Made:
    """Under the paths of Codabench, where the competition's own program runs what was sent."""
    program = stack.enter_context(_sent(job, store, "ingestion", bounds_of(job).output_bytes))
    files = {"/app/program": program, "/app/ingested_program": code}
    command = ("sh", "-c", f"cd /app/program && {job.params['ingestion_command']}")
    return _Made(command, files, "/app/input_data", "/app/output")


def _public(job: Job) -> dict[str, Digest]:
    """The public data by its path in `data/`."""
    found = inputs_of(job, "public/")
    return {PurePosixPath(path).relative_to("data").as_posix(): digest for path, digest in found.items()}


@contextmanager
def _sent(job: Job, store: Store, name: str, most_bytes: int) -> Iterator[Path]:
    """A folder with what one of the inputs is: files that were packed, or one."""
    called = job.params.get("called" if name in ("program", "file") else f"{name}_called", name)
    with aside(store) as place:
        try:
            with store.open(job.inputs[name]) as content:
                own = name not in ("program", "file")
                unpacked(content, str(called), place, most_bytes=most_bytes, as_it_is=own)
        except ContentRefused as error:
            raise RunStopped(f"{called}: {error}", cause="recipe") from None
        yield place


def _written(outputs: Mapping[str, Digest], sent: set[str], store: Store, *, several: bool) -> tuple[str, Digest]:
    """The file of predictions among all that a program left: `predictions.csv` or the like; else the only new one;
    else, where several files are an answer, all new ones as an archive.

    Raises:
        RunStopped: there is none.
    """
    named = [path for path in outputs if path.partition(".")[0] in _PREDICTIONS]
    new = [path for path in outputs if path not in sent]
    for found in (named, new):
        if len(found) == 1:
            return PurePosixPath(found[0]).name, outputs[found[0]]
    if several and new and sum(store.size(outputs[path]) for path in new) <= _MOST_PACKED:
        return "output.zip", put_bundle(store, {path: _read(store, outputs[path]) for path in new})
    left = ", ".join(new[:5]) or "nothing"
    raise RunStopped(
        f"the program wrote no predictions.csv (or .parquet, .jsonl, .npz); it wrote {left}", cause="exception"
    )


def _read(store: Store, digest: Digest) -> bytes:
    with store.open(digest) as file:
        return file.read()
