"""A run folder that comes from somebody else: links in it lead nowhere, to read, to write, to delete."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from concours.core.digests import digest_json
from concours.core.errors import LinkRefused, RunFolderError
from concours.core.event import Tick
from concours.core.ports import Record
from concours.engine.journal import FileJournal, read_journal
from concours.engine.processes import ProcessExecutor
from concours.runs.folder import RunFolder, existing
from concours.runs.gc import collect
from concours.testing.toys import REFERENCE, toy_job

THEIRS = b"line\nprecious"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder with a journal and an object."""
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        folder.claim(task=digest_json("task"), seed=0, scale={})
    journal = FileJournal(folder.journal)
    journal.append(Record(event=Tick(elapsed_s=1.0)))
    journal.close()
    folder.store.put(io.BytesIO(b"nothing refers to it"))
    return folder


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder elsewhere, and a file in it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_bytes(THEIRS)
    return tmp_path / "theirs"


def writing(folder: RunFolder) -> None:
    with folder.writing():
        pass


FILES: dict[str, tuple[str, Callable[[RunFolder], object]]] = {
    "lock": ("lock", writing),
    "run.json": ("run.json", lambda folder: existing(folder.path)),
    "what is read": ("result.json", lambda folder: folder.read("result.json")),
    "what is written": ("result.json", lambda folder: folder.write("result.json", {})),
    "what is written aside": (".insights.json.new", lambda folder: folder.write("insights.json", {})),
    "the report": (".report.html.new", lambda folder: folder.write_text("report.html", "")),
    "journal": ("journal.jsonl", lambda folder: FileJournal(folder.journal)),
    "journal, read": ("journal.jsonl", lambda folder: read_journal(folder.journal)),
    "looks": ("explanations.jsonl", lambda folder: FileJournal(folder.explanations)),
}


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_a_run_is_reached_by_a_link(name: str, folder: RunFolder, theirs: Path) -> None:
    """Each file that commands open; the message names the link and where it leads."""
    file, use = FILES[name]
    (folder.path / file).unlink(missing_ok=True)
    (folder.path / file).symlink_to(theirs / "file")
    with pytest.raises(LinkRefused, match=f"{file} is a link to .*theirs/file"):
        use(folder)
    assert (theirs / "file").read_bytes() == THEIRS


@pytest.mark.parametrize("place", ["store", "store/tmp", "store/ab", "store/code", "logs", "anything"])
def test_gc_removes_nothing_where_a_link_is(place: str, folder: RunFolder, theirs: Path) -> None:
    """Wherever it stands: what it leads to is not the run's."""
    (theirs / ("c" * 62)).write_bytes(THEIRS)
    link = folder.path / place
    if link.is_dir():
        os.rename(link, theirs / "moved")
    link.symlink_to(theirs)
    before = sorted(path for path in theirs.rglob("*"))
    with pytest.raises(LinkRefused, match=f"{place} is a link"):
        collect(folder.path)
    assert sorted(path for path in theirs.rglob("*")) == before
    link.unlink()


def test_gc_counts_no_links_and_removes_what_nothing_refers_to(folder: RunFolder) -> None:
    """Without a link it does what it did."""
    freed = collect(folder.path)
    assert (freed.objects, list(folder.store)) == (1, [])


def test_a_run_folder_is_not_reached_by_a_link(folder: RunFolder, tmp_path: Path) -> None:
    """A link in the place of a run folder leads to a run of somebody else; one above it is its owner's."""
    (tmp_path / "link").symlink_to(folder.path)
    for use in (existing, collect):
        with pytest.raises(LinkRefused, match="link is a link"):
            use(tmp_path / "link")
    (tmp_path / "above").symlink_to(tmp_path)
    assert existing(tmp_path / "above" / "run").read("run.json")["seed"] == 0


@pytest.mark.parametrize("name", ["run.json", "setup.json", "result.json", "candidates.json", "insights.json"])
@pytest.mark.parametrize("content", ["", "[" * 200_000, "null", "7", '"text"', "{} {}", "\xff", "NaN"])
def test_a_file_of_a_run_of_another_form_is_damaged(name: str, content: str, folder: RunFolder) -> None:
    """Whatever it holds instead; told by its name."""
    (folder.path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(RunFolderError, match=f"{name} is damaged"):
        folder.read(name)


def test_logs_are_written_through_no_link(folder: RunFolder, theirs: Path) -> None:
    """Their names follow from the plan, so that links could lie in wait for them."""
    job = toy_job("speaks", mischief="speak")
    name = f"{job.digest.partition(':')[2][:16]}.txt"
    folder.logs.mkdir()
    (folder.logs / name).symlink_to(theirs / "file")
    executor = ProcessExecutor(folder.store, REFERENCE, workers=1, logs=folder.logs)
    executor.submit(job)
    assert len(list(executor.outcomes(timeout_s=60))) == 1
    executor.close()
    assert (theirs / "file").read_bytes() == THEIRS
