"""Worked examples of kinds, on a small part of their data: from the commands of their READMEs to a board and a report."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from concours import Contest
from concours.engine.ingest import ingest
from concours.stores.memory import MemoryStore

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")).resolve()
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Example:
    """The example of a kind.

    Attributes:
        folder: its folder, where this is not the kind.
        contest: its file.
        data: the set that it is made of; none where a library brings it.
        rows: how many rows, files or lines of each part are left.
        whole: what lines begin with that belong together; that many such groups are left, whole.
        first: the first of them are left, not some that are evenly apart.
        told: what the contest says instead of what it said.
        quick: a contest takes seconds; the others are held by night only.
    """

    folder: str | None = None
    contest: str = "contest.toml"
    data: str | None = None
    rows: int = 24
    whole: str = ""
    first: bool = False
    told: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


_SHORTER = {"horizon = 96": "horizon = 8", "context = 504": "context = 48"}

KINDS = {
    "anomaly-detection": Example(data="nab-subset-a", rows=150),
    "audio-classification": Example(contest="speakers.toml", data="fsdd-subset"),
    "clustering": Example(data="tab-bank-marketing", rows=90, quick=True),
    "forecasting": Example(data="ett-h1", rows=260, first=True, told=_SHORTER),
    "image-classification": Example(data="cifar10-subset"),
    "language-modelling": Example(data="tiny-shakespeare", rows=300),
    "multi-output": Example(data="tab-abalone", rows=150),
    "object-detection": Example(data="bccd"),
    "ranking": Example(data="movielens-100k", whole=r"[^,]+,"),
    "rating": Example(data="movielens-100k", whole=r"[^,]+,", rows=30, quick=True),
    "recommendation": Example(data="movielens-100k", whole=r"[^,]+,", rows=40, quick=True),
    "remaining-useful-life": Example(data="cmapss-fd001", whole=r"\d+ (?=\d+ )", rows=8),
    "segmentation": Example(data="cifar10-subset"),
    "sequence-classification": Example(data="fsdd-subset", whole=r"[^,]+,", rows=60, quick=True),
    "speech-recognition": Example(contest="speakers.toml", data="fsdd-subset"),
    "summarization": Example(data="scitldr-a", quick=True),
    "survival": Example(rows=150, quick=True),
    "tabular-anomaly-detection": Example(
        folder="anomaly-detection", contest="rows.toml", data="tab-mammography", rows=600, quick=True
    ),
    "text-pairs": Example(data="scitldr-a", quick=True),
    "text-similarity": Example(data="multi30k-en-de"),
    "translation": Example(data="multi30k-en-de"),
    "video-classification": Example(data="cifar10-subset"),
}

_LINES = (".csv", ".tsv", ".jsonl", ".txt", ".en", ".de")
_HEADED = (".csv", ".tsv")


def spaced(names: Sequence[str], most: int) -> list[str]:
    """Some of many, evenly apart, so that all classes and groups of sorted names are there, and series stay even."""
    return list(names[:: max(len(names) // most, 1)][:most])


def shrunk(folder: Path, example: Example) -> None:
    """Keeps a small part of the files of each folder, and of the lines of each file that has a row a line; lines that name
    a file that is gone, go too.
    """
    gone: set[str] = set()
    for at, _, names in os.walk(folder):
        rows = sorted(name for name in names if not name.endswith((*_LINES, ".json")))
        for name in set(rows) - set(spaced(rows, example.rows)):
            gone |= {name, Path(name).stem}
            (Path(at) / name).unlink()
    for path in sorted(one for one in folder.rglob("*") if one.name.endswith(_LINES)):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        head = lines[:1] if path.name.endswith(_HEADED) else []
        left = [line for line in lines[len(head) :] if not gone & {*re.split(r"[^\w.-]+", line)}]
        path.write_text("".join([*head, *some(left, example)]), encoding="utf-8")


def some(lines: Sequence[str], example: Example) -> list[str]:
    """Some lines of many, or all lines of some groups."""
    if example.first:
        return list(lines[: example.rows])
    groups = [re.match(example.whole, line) for line in lines] if example.whole else [None]
    if not all(groups):
        return spaced(lines, example.rows)
    names = [group[0] for group in groups if group]
    kept = set(spaced(list(dict.fromkeys(names)), example.rows))
    return [line for line, name in zip(lines, names, strict=True) if name in kept]


def contest_of(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The contest of an example, beside a small part of its data."""
    example = KINDS[kind]
    if example.data and not (DATA / example.data).is_dir():
        pytest.skip(f"needs {example.data} (CONCOURS_DATA)")
    monkeypatch.setenv("CONCOURS_DATA", str(DATA))
    folder = tmp_path / (example.folder or kind)
    for name in {folder.name, "recommendation"} if kind in ("rating", "ranking") else {folder.name}:
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("data", "run*"))
        if (prepare := tmp_path / name / "prepare.py").exists():
            monkeypatch.setattr(sys, "argv", [str(prepare)])
            runpy.run_path(str(prepare), run_name="__main__")
            shrunk(tmp_path / name / "data", example)
    contest = folder / example.contest
    text = re.sub(r"folds = \d+", "folds = 2", contest.read_text(encoding="utf-8"))
    for said, instead in example.told.items():
        assert said in text, said
        text = text.replace(said, instead)
    contest.write_text(text, encoding="utf-8")
    return contest


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, example in KINDS.items() if not example.quick])
def test_an_example_is_read(kind, tmp_path, monkeypatch):
    """What prepares the data makes what the contest names: it is read, checked and split, and it has its metrics."""
    contest = Contest.from_file(contest_of(kind, tmp_path, monkeypatch))
    ingested = ingest(contest.task, MemoryStore(), seed=0, folder=contest.folder)
    assert ingested.rows > 1 and ingested.problem.metrics


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.slow if example.quick else pytest.mark.night)
        for kind, example in KINDS.items()
    ],
)
@pytest.mark.timeout(600)
def test_an_example_runs_on_a_small_part(kind, tmp_path, monkeypatch, concours):
    """Every entrant of the line-up is on the board, and the report has its sections."""
    monkeypatch.setattr(Contest, "_effort", lambda self: 0.05)  # of what else would take minutes
    contest = contest_of(kind, tmp_path, monkeypatch)
    code, _, error = concours("run", str(contest), "--engine", "inline", "--out", str(tmp_path / "run"))
    assert code == 0, error
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [line["name"] for line in result["standings"] if line["status"] != "ok"] == []
    assert {line["role"] for line in result["standings"]} == {"single", "baseline", "alliance"}
    assert 'id="alliances"' in (tmp_path / "run" / "report.html").read_text()
