"""Bundles of Codabench: `competition.yaml` of version 2, with programs that score and that run what is submitted."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from concours.api.imports.yaml_files import mapping_of
from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.server.hosting.archive import unpack
from concours.server.hosting.competition import Competition
from concours.server.hosting.imports.imported import Imported, Reading, competition_of, in_order, keys_of, listed, whole
from concours.server.hosting.texts import slug_of

NAMES: Final = ("competition.yaml", "competition.yml")
_IGNORED: Final = {
    "docker_image": "programs run in the sandbox, by its own Python and packages",
    "queue": "workers are those of the platform",
    "image": "there are no pictures of competitions",
    "registration_auto_approve": "who joins need not be approved",
    "make_programs_available": "programs stay with the host",
    "make_input_data_available": "put what everybody may have into data/",
    "fact_sheet": "there are no fact sheets: ask for them in the rules",
    "reward": "say it on a page",
    "collaborators": "hosts are named on the platform",
    "whitelist_emails": "who may join is decided on the platform",
}
_LEGACY: Final = {
    "input": "/app/input",
    "output": "/app/output",
    "tmp": "/app/output",
    "program": "/app/program",
    "ingestion_program": "/app/program",
    "hidden": "/app/input/ref",
    "shared": "/app/shared",
    "submission_program": "/app/ingested_program",
    "predictions": "/app/input/res",
}
_INGESTING: Final = {**_LEGACY, "input": "/app/input_data", "predictions": "/app/output"}
"""What older commands call by a variable, in a program that scores and in one that runs submitted code."""


def is_bundle(folder: Path) -> bool:
    """Whether a folder is such a bundle."""
    return any((folder / name).is_file() for name in NAMES)


def read(folder: Path, now: datetime, aside: Path) -> Imported:
    """A bundle as a competition of ours, whose scorer is the program of its first task.

    Args:
        aside: a folder where archives in it are unpacked.

    Raises:
        DataError: a file is missing, damaged or too large, it is of version 1, or has no task that can be scored.
    """
    content = mapping_of(next(folder / name for name in NAMES if (folder / name).is_file()))
    if str(content.get("version", 2)).strip() not in ("2", "2.0") or isinstance(content.get("phases"), Mapping):
        raise DataError("competition.yaml is of version 1, of CodaLab: save it as version 2 with Codabench's converter")
    bundle = _Bundle(content, Reading(folder, now), aside)
    return Imported(
        format="a bundle of Codabench",
        competition=bundle.competition(),
        files=bundle.reading.files,
        left=tuple(bundle.reading.left),
    )


class _Bundle:
    """One bundle while it is read."""

    def __init__(self, content: Mapping[str, Any], reading: Reading, aside: Path) -> None:
        self.content, self.reading, self.aside = content, reading, aside
        self.tasks = {str(task.get("index", place)): task for place, task in enumerate(listed(content.get("tasks")))}
        self.kept: dict[str, str] = {}

    def competition(self) -> Competition:
        content, reading = self.content, self.reading
        for key, why in _IGNORED.items():
            if content.get(key) not in (None, "", False, []):
                reading.leave(key, why)
        title = str(content.get("title") or "Competition").strip()
        pages, rules = self._pages(title)
        scorer, boards = self._scorer()
        value = {
            "title": title[:200],
            "slug": slug_of(title),
            "pages": pages,
            "rules": rules,
            "phases": self._phases(bool(scorer.get("ingestion"))),
            "scorer": scorer,
            "boards": boards,
            "baselines": self._baselines(bool(scorer.get("ingestion"))),
            "alliance": {"shown": False},
        }
        return competition_of(value)

    def _pages(self, title: str) -> tuple[list[dict[str, str]], str]:
        reading = self.reading
        pages = []
        if description := str(self.content.get("description") or "").strip():
            pages.append(reading.page("overview", "Overview", f"# {title}\n\n{description}"))
        given = listed(self.content.get("pages"))
        for key, page in zip(keys_of([page.get("title") for page in given], "page"), given, strict=True):
            text = str(page.get("content") or "") or reading.text(page.get("file"), f"page {page.get('title')}")
            if text:
                pages.append(reading.page(key, str(page.get("title") or key), text))
        terms = reading.text(self.content.get("terms"), "terms")
        rules = reading.page("rules", "Rules", terms)["file"] if terms else ""
        return pages, rules

    def _phases(self, code: bool) -> list[dict[str, Any]]:
        reading = self.reading
        given = sorted(enumerate(listed(self.content.get("phases"))), key=lambda one: (_index(one[1], one[0]), one[0]))
        phases = [phase for _, phase in given]
        if not phases:
            raise DataError("competition.yaml has no phases")
        keys = keys_of([phase.get("name") for phase in phases], "phase")
        begins = in_order(
            [reading.moment(one.get("start"), f"{key}: start") for one, key in zip(phases, keys, strict=True)],
            reading.now,
        )
        ends = [reading.moment(one.get("end"), f"{key}: end") for one, key in zip(phases, keys, strict=True)]
        found = []
        for place, (phase, key) in enumerate(zip(phases, keys, strict=True)):
            after = phases[place + 1] if place + 1 < len(phases) else None
            over = bool(after and after.get("auto_migrate_to_this_phase"))
            end = ends[place]
            if over and (not end or end > begins[place + 1]):
                reading.leave(f"{key}: end", "it ends when the next phase, to which it hands over, begins")
                end = begins[place + 1]
            if end and end <= begins[place]:
                reading.leave(f"{key}: end", f"{end} is not later than it begins: it has no end")
                end, over = "", False
            found.append({**self._phase(phase, key, code), "begins": begins[place], "ends": end, "hand_over": over})
        return found

    def _phase(self, phase: Mapping[str, Any], key: str, code: bool) -> dict[str, Any]:
        reading, task = self.reading, self._task_of(phase, key)
        limits: dict[str, Any] = {}
        for ours, theirs in (("per_day", "max_submissions_per_day"), ("total", "max_submissions")):
            if (number := whole(phase.get(theirs))) is not None:
                limits[ours] = min(number, 1_000_000)
        if (seconds := whole(phase.get("execution_time_limit"))) is not None:
            limits["seconds"] = float(min(seconds, 7 * 86400))
        for name in ("public_data", "starting_kit"):
            if self._kept(phase.get(name), f"data/{key}/{name}", f"{key}: {name}"):
                reading.leave(f"{key}: {name}", f"it lies in data/{key}/{name}")
        if phase.get("hide_output"):
            reading.leave(f"{key}: hide_output", "what programs print is shown to hosts and to who submitted")
        truth = self._kept(task.get("reference_data"), f"truth/{_called(task)}/reference", "reference_data")
        if not truth:
            raise DataError(f"phase {key}: its task has no reference_data, by which it could be scored")
        inputs = self._kept(task.get("input_data"), f"truth/{_called(task)}/input", "input_data") if code else ""
        return {
            "key": key,
            "title": str(phase.get("name") or key)[:200],
            "truth": truth,
            "inputs": inputs,
            "limits": limits,
            "takes": ["code" if code else "predictions"],
        }

    def _task_of(self, phase: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """The task of a phase: the first, where there are several."""
        named = phase.get("tasks")
        indices = [str(index) for index in (named if isinstance(named, list) else [named])] if named is not None else []
        indices = indices or list(self.tasks)[:1]
        if len(indices) > 1:
            self.reading.leave(f"{key}: tasks", f"{len(indices)} tasks: a phase has one here, the first")
        task = self.tasks.get(indices[0]) if indices else None
        if task is None:
            raise DataError(f"phase {key}: there is no task {shortened(visible(str(indices[:1])), 60)}")
        if "scoring_program" not in task and task.get("key"):
            raise DataError(f"phase {key}: its task is named by a key of a server, and not in the bundle: download it")
        return task

    def _scorer(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The programs of the first phase's task; those of other tasks are reported where they differ."""
        reading = self.reading
        phases = listed(self.content.get("phases"))
        first = self._task_of(phases[0] if phases else {}, "the first")
        program, command = self._program(first.get("scoring_program"), "scorer/program", "scoring_program", _LEGACY)
        if not program:
            raise DataError("the task has no scoring_program with a command in its metadata")
        measures, boards = self._measures()
        scorer: dict[str, Any] = {"program": program, "command": command, "measures": measures}
        if first.get("ingestion_program"):
            folder, command = self._program(
                first["ingestion_program"], "scorer/ingestion", "ingestion_program", _INGESTING
            )
            if folder:
                scorer |= {"ingestion": folder, "ingestion_command": command}
            if first.get("ingestion_only_during_scoring"):
                reading.leave(
                    "ingestion_only_during_scoring", "code runs first, and what it wrote is scored afterwards"
                )
        for task in self.tasks.values():
            for name in ("scoring_program", "ingestion_program"):
                if task.get(name) != first.get(name):
                    reading.leave(f"task {_called(task)}: {name}", "one program scores all phases: that of the first")
        return scorer, boards

    def _measures(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The numbers that a scorer gives, and boards of them."""
        reading = self.reading
        found = listed(self.content.get("leaderboards") or self.content.get("leaderboard"))
        found = found or listed([self.content.get("leaderboard")])
        measures: dict[str, dict[str, Any]] = {}
        boards = []
        keys = keys_of([board.get("key") or board.get("title") for board in found], "board")
        for key, board in zip(keys, found, strict=True):
            columns = listed(board.get("columns"))
            columns = sorted(columns, key=lambda one: _index(one, 0))
            first = whole(board.get("primary_index"))
            columns = sorted(columns, key=lambda one: _index(one, 0) != first) if first is not None else columns
            names = []
            for column in columns:
                name = str(column.get("key") or column.get("title") or "").strip()
                if not name or column.get("computation"):
                    reading.leave(f"column {name or '?'}", "it is computed of others: let the scorer give it")
                    continue
                if not column.get("sorting"):
                    reading.leave(f"column {name}: sorting", "it does not say: the greater is taken as the better")
                up = str(column.get("sorting") or "desc").lower().startswith("desc")
                measures.setdefault(name, {"name": name[:200], "greater_is_better": up})
                names.append(name[:200])
            if names:
                title = str(board.get("title") or key)[:200]
                hidden = bool(board.get("hidden"))
                boards.append({"key": key, "title": title, "metrics": list(dict.fromkeys(names)), "hidden": hidden})
        if not measures:
            raise DataError("competition.yaml has no leaderboards with columns: nothing says what the scorer gives")
        return list(measures.values()), boards

    def _baselines(self, code: bool) -> list[dict[str, str]]:
        found = []
        for place, solution in enumerate(listed(self.content.get("solutions")), 1):
            name = f"solution {place}"
            path = self._kept(solution.get("path"), f"baselines/solution-{place}", name)
            if path:
                found.append({"name": name, "code" if code else "predictions": path})
        return found

    def _program(self, path: Any, to: str, what: str, variables: Mapping[str, str]) -> tuple[str, str]:
        """A program's folder and its command; both empty where it has none."""
        kept = self._kept(path, to, what)
        if not kept:
            return "", ""
        folder = self.reading.files[kept]
        assert isinstance(folder, Path)  # noqa: S101 (for the type checker)
        inner = [one for one in folder.iterdir() if one.name != "__MACOSX"] if folder.is_dir() else []
        if len(inner) == 1 and inner[0].is_dir():
            self.reading.leave(
                what, f"it lies in a folder of its own, {visible(inner[0].name)}, and was taken out of it"
            )
            folder = self.reading.files[kept] = inner[0]
        metadata = next((folder / name for name in ("metadata.yaml", "metadata") if (folder / name).is_file()), None)
        command = str(mapping_of(metadata).get("command") or "").strip() if metadata else ""
        if not command:
            self.reading.leave(what, "it has no metadata with a command")
            return "", ""
        return kept, _modern(command, variables)

    def _kept(self, path: Any, to: str, what: str) -> str:
        """Keeps a file or a folder of theirs, an archive unpacked; where it lies, empty where there is none."""
        place = self.reading.inside(path, what)
        if place is None:
            return ""
        if str(place) in self.kept:
            return self.kept[str(place)]
        if place.is_file() and place.suffix.lower() == ".zip":
            place, known = unpack(place, Path(tempfile.mkdtemp(dir=self.aside)) / "inner"), place
        else:
            known = place
        if place.is_file():
            to = f"{to}/{place.name}"
        self.reading.files[to] = place
        self.kept[str(known)] = to
        return to


def _modern(command: str, variables: Mapping[str, str]) -> str:
    """A command by the paths of today: `$input` and the like are those that older ones name them by."""
    found = re.sub(r"\$\{?([a-z_]+)\}?", lambda one: variables.get(one[1], one[0]), command)
    return re.sub(r"(?<![\w/.])python(?=\s)", "python3", found)


def _index(value: Mapping[str, Any], usual: int) -> int:
    index = value.get("index")
    return int(index) if isinstance(index, (int, str)) and str(index).lstrip("-").isdigit() else usual


def _called(task: Mapping[str, Any]) -> str:
    return slug_of(str(task.get("name") or f"task-{task.get('index', 0)}"))[:40].strip("-") or "task"
