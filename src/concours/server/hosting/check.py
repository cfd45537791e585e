"""What publishing a competition would refuse, said before, with the board of its baselines."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from concours.contest.config import task_of
from concours.core.digests import Digest, digest_file
from concours.core.errors import ConcoursError
from concours.core.visible import visible
from concours.core.written import counted, written
from concours.engine.sandbox.run import available
from concours.server.hosting.archive import refuse_sizes
from concours.server.hosting.competition import DATA, PAGES, TRUTH, Competition, Phase
from concours.server.hosting.folder import FILE, files_of, from_folder
from concours.server.hosting.leaks import Truth, hashed, ordered, told_by
from concours.server.hosting.opened import Asked, Opened
from concours.server.hosting.opening import opening
from concours.server.hosting.programs import board_of
from concours.server.hosting.trial import SAMPLE, Tried, sample_of, tried
from concours.stores.disk import DiskStore
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued
from concours.tasks.readers.listing import TABLES, TEXTS, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.task import Task

_LOOKED_AT: Final = 1 << 28
"""Bytes of a file in which leaks are looked for."""

Level = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to mend, or to look into: where, and what, with the cure."""

    level: Level
    where: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is found out about a competition's folder.

    Attributes:
        competition: none where its file cannot be read.
        opened: none where its data cannot be read.
        boards: of the phases, with their baselines.
    """

    competition: Competition | None
    opened: Opened | None
    boards: tuple[Tried, ...]
    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """Whether it could be published."""
        return not any(one.level == "error" for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "passes": self.passes,
            "findings": [vars(one) for one in self.findings],
            "competition": self.competition.to_json() if self.competition else None,
            "files": [vars(file) for file in self.opened.files] if self.opened else [],
            "boards": {one.phase: [_line(line) for line in one.standings.lines] for one in self.boards},
        }


def _line(line: Any) -> dict[str, Any]:
    ci = list(line.ci) if line.ci else None
    return {"name": line.entrant.name, "rank": line.rank, "score": line.score, "ci": ci, "reason": line.reason}


def check(folder: Path) -> Checked:
    """Looks into a competition's folder as publishing would, and tries its baselines out."""
    try:
        competition, files = from_folder(folder), files_of(folder)
        refuse_sizes(files)
    except ConcoursError as error:
        return _refused(None, [Finding(level="error", where=FILE, what=str(error).removeprefix(f"{FILE}: "))])
    findings = [*_pages(competition, folder), *_copies(files), *_boxed(competition)]
    with TemporaryDirectory(prefix="concours-check-") as aside:
        store = DiskStore(Path(aside) / "store")
        digests: dict[str, Digest] = {}
        for path, place in files.items():
            with place.open("rb") as content:
                digests[path] = store.put(content)
        try:
            opened = opening(competition, folder, store, digests)
        except ConcoursError as error:
            return _refused(competition, [*findings, Finding(level="error", where=DATA, what=str(error))])
        findings += _read(opened)
        task = task_of(competition.task) if competition.task else None
        looked: set[tuple[str, str]] = set()
        for asked in opened.asked:
            phase = next(one for one in competition.phases if one.key == asked.phase)
            looking = (competition.truth_of(phase), competition.inputs_of(phase))
            if task and looking not in looked:
                looked.add(looking)
                findings += _Look(competition, phase, asked, task, folder, store).findings(files)
        boards = tuple(_boards(competition, opened, {**digests, **opened.sent}, store))
    findings += [finding for board in boards for finding in _scored(board)]
    return Checked(competition=competition, opened=opened, boards=boards, findings=_once(findings))


def _refused(competition: Competition | None, findings: Sequence[Finding]) -> Checked:
    return Checked(competition=competition, opened=None, boards=(), findings=_once(findings))


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: one.level))


def _pages(competition: Competition, folder: Path) -> Iterator[Finding]:
    """Pages that are no text, or empty."""
    for path in dict.fromkeys([*(page.file for page in competition.pages), *filter(None, [competition.rules])]):
        if not path.endswith(".md"):
            yield Finding(level="error", where=path, what="a page is Markdown: a file that ends in .md was expected")
            continue
        try:
            text = (folder / path).read_text("utf-8")
        except (UnicodeDecodeError, OSError):
            yield Finding(level="error", where=path, what="it is no text in UTF-8: save it as that")
        else:
            if not text.strip():
                yield Finding(level="warning", where=path, what="the page is empty")
    if not competition.pages:
        said = f"there is no page: write one in {PAGES}/ and name it in pages"
        yield Finding(level="warning", where=FILE, what=said)
    if not competition.rules:
        yield Finding(level="warning", where=FILE, what="there are no rules to accept: name a page in rules")


def _boxed(competition: Competition) -> Iterator[Finding]:
    """Whether programs of others could be run here, where some are."""
    programs = competition.scorer or any("code" in phase.takes for phase in competition.phases)
    if programs and (why := available()):
        yield Finding(level="warning", where="this machine", what=f"{why}; the platform's workers need it too")


def _copies(files: Mapping[str, Path]) -> Iterator[Finding]:
    """Public files that are a file of the truth under another name, also within an archive."""
    secret = {digest_file(place): path for path, place in files.items() if path.startswith(f"{TRUTH}/")}
    sizes = {(files[path].stat().st_size, _crc(files[path])): path for path in secret.values()}
    for path, place in files.items():
        if not path.startswith((f"{DATA}/", f"{PAGES}/")):
            continue
        if (copied := secret.get(digest_file(place))) is not None:
            yield Finding(level="error", where=path, what=f"it is {copied} under another name: take it out of {DATA}/")
        if zipfile.is_zipfile(place):
            with suppress(zipfile.BadZipFile), zipfile.ZipFile(place) as archive:
                for member in archive.infolist():
                    if (copied := sizes.get((member.file_size, member.CRC))) and member.file_size:
                        said = f"{visible(member.filename)} in it is {copied}: take it out"
                        yield Finding(level="error", where=path, what=said)


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            crc = zlib.crc32(piece, crc)
    return crc


def _read(opened: Opened) -> Iterator[Finding]:
    for text in opened.warnings:
        yield Finding(level="warning", where=DATA, what=text)


def _boards(competition: Competition, opened: Opened, files: Mapping[str, Digest], store: DiskStore) -> Iterator[Tried]:
    """The boards of all phases that have somebody on them, with the sample where there is one."""
    asked = {one.phase: one for one in opened.asked}
    for phase in competition.phases if competition.kind == "board" else ():
        of = asked.get(phase.key)
        sent = [*([sample_of(of)] if of and not competition.scorer else []), *opened.baselines]
        if sent:
            board = board_of(phase.key, competition, phase, of, files)
            yield tried(board, sent, store, seed=competition.seed)


def _scored(found: Tried) -> Iterator[Finding]:
    """Baselines that have no score."""
    for line in found.standings.lines:
        if line.score is None:
            what = "the sample submission" if line.entrant.name == SAMPLE else f"baseline {line.entrant.name!r}"
            said = f"{what} has no score: {line.reason or line.note}"
            yield Finding(level="error", where=f"phase {found.phase}", what=said)


@dataclass(frozen=True)
class _Look:
    """One look for what public files tell of a phase's truth."""

    competition: Competition
    phase: Phase
    asked: Asked
    task: Task
    folder: Path
    store: DiskStore

    @cached_property
    def truth(self) -> Truth:
        problem, output = self.asked.problem, output_valued(self.asked.problem.output)
        y = get_values(self.store, problem.test.y) if problem.test else []
        numeric = isinstance(y, np.ndarray) and y.ndim == 1 and not problem.labels
        targets = [written(float(value)) for value in y] if numeric else output.written(y)
        ids = get_values(self.store, self.asked.ids).to_pylist()
        return Truth(ids=ids, targets=targets, named=self.task.id is not None or self.asked.id == "file")

    @property
    def inputs(self) -> str:
        return self.competition.inputs_of(self.phase)

    def findings(self, files: Mapping[str, Path]) -> Iterator[Finding]:
        if "continue" in self.asked.problem.output.can and "predictions" in self.phase.takes:
            said = 'who predicts a text\'s own letters has to see them, and could write anything: takes = ["code"]'
            yield self._error(f"phase {self.phase.key}", said)
        if not self.inputs.partition(":")[0] or not (self.folder / self.inputs.partition(":")[0]).exists():
            said = f"there is no {self.inputs}: put the rows to predict there, without their targets, or name the file "
            yield self._error(f"phase {self.phase.key}", f"{said}in inputs")
        else:
            yield from self._asked_rows()
            if said := ordered([self._target[id] for id in self._order if id in self._target]):
                yield self._error(self.inputs, said)
        for path in files:
            if path.startswith(f"{DATA}/") and files[path].stat().st_size <= _LOOKED_AT:
                yield from self._told(path, files[path])

    @cached_property
    def _target(self) -> Mapping[str, str]:
        return dict(zip(self.truth.ids, self.truth.targets, strict=True))

    @property
    def _order(self) -> Sequence[str]:
        """The test rows as they lie where everybody sees them."""
        if self.asked.id == "file" and self.task.id is None:
            return sorted(self.truth.ids)
        table = self._table(self.inputs) if self.task.id else None
        known = table is not None and self.task.id in table.column_names
        return _cells(table, str(self.task.id)) if table is not None and known else self.truth.ids

    def _asked_rows(self) -> Iterator[Finding]:
        """Whether the public rows are those of the truth, in their order, without the target."""
        table = self._table(self.inputs)
        if table is None:
            return
        target, id = self.task.target_column, self.task.id
        if target and target in table.column_names and any(_cells(table, target)):
            yield self._error(self.inputs, f"it has the target {target!r}: take the column out")
        if id is not None and id in table.column_names:
            yield from self._ids(_cells(table, id))
        elif table.num_rows != self.asked.rows:
            said = f"it has {counted(table.num_rows, 'row')}, and the truth {self.asked.rows:,}"
            yield self._error(self.inputs, said)

    def _ids(self, ids: Sequence[str]) -> Iterator[Finding]:
        given, known = set(ids), set(self.truth.ids)
        if len(given) < len(ids):
            yield self._error(self.inputs, f"{len(ids) - len(given):,} ids come twice: ids must differ")
        for some, said in (
            (known - given, "ids of the truth are missing"),
            (given - known, "ids are not in the truth"),
        ):
            if some:
                yield self._error(self.inputs, f"{len(some):,} {said}, first {min(some)!r}")

    def _told(self, path: str, place: Path) -> Iterator[Finding]:
        table = self._table(path) if suffix_of(path) in (*TABLES, *TEXTS) else None
        texts: list[str] = []
        if table is not None:
            columns = {name: _cells(table, name) for name in dict.fromkeys(table.column_names) if _plain(table, name)}
            if path == self.inputs and self.task.target_column in columns:
                del columns[self.task.target_column]
            for told in told_by(columns, self.truth):
                yield self._error(path, f"it tells the truth: {told}")
            texts = [cell for cells in columns.values() for cell in cells if len(cell) >= 32]
        else:
            with suppress(UnicodeDecodeError):
                texts = [place.read_text("utf-8")]
        if how := hashed(texts, self.truth):
            yield self._error(path, f"it holds {how}, which anybody can make and compare: take them out")

    def _table(self, path: str) -> pa.Table | None:
        """A public file as a table whose ids and targets stand as they are written; none where it is none."""
        written = tuple(name for name in (self.task.id, self.task.target_column) if name)
        header = self.task.header
        with suppress(ConcoursError):
            x = open_source(path, self.folder, Options(input="table", header=header, written=written)).x
            return x if isinstance(x, pa.Table) else None
        return None

    @staticmethod
    def _error(where: str, what: str) -> Finding:
        return Finding(level="error", where=where, what=what)


def _plain(table: pa.Table, name: str) -> bool:
    return not pa.types.is_nested(table.schema.field(name).type)


def _cells(table: pa.Table, name: str) -> list[str]:
    """A column as texts; gaps are empty."""
    return ["" if value is None else written(value).strip() for value in table[name].to_pylist()]
