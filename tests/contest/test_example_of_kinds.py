"""Worked examples of kinds, on a small part of their data: from the commands of their READMEs to a board and a report."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")).resolve()
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Example:
    """The example of a kind.

    Attributes:
        contest: its file.
        data: the set that it is made of.
        rows: how many rows, files or lines of each part are left.
    """

    contest: str = "contest.toml"
    data: str
    rows: int = 48


KINDS = {
    "audio-classification": Example(contest="speakers.toml", data="fsdd-subset"),
    "image-classification": Example(data="cifar10-subset"),
    "language-modelling": Example(data="tiny-shakespeare", rows=1500),
    "object-detection": Example(data="bccd"),
    "segmentation": Example(data="cifar10-subset"),
    "speech-recognition": Example(contest="speakers.toml", data="fsdd-subset"),
    "summarization": Example(data="scitldr-a"),
    "text-pairs": Example(data="scitldr-a"),
    "text-similarity": Example(data="multi30k-en-de"),
    "translation": Example(data="multi30k-en-de"),
    "video-classification": Example(data="cifar10-subset"),
}

_LINES = (".csv", ".tsv", ".jsonl", ".txt", ".en", ".de")
_HEADED = (".csv", ".tsv")


def spaced(names: Sequence[str], most: int) -> list[str]:
    """Some of many, evenly apart, so that all classes and groups of sorted names are there."""
    step = max(len(names) / most, 1.0)
    return [names[int(place * step)] for place in range(min(len(names), most))]


def shrunk(folder: Path, most: int) -> None:
    """Keeps a small part of the files of each folder, and of the lines of each file that has a row a line; lines that name
    a file that is gone, go too.
    """
    gone: set[str] = set()
    for at, _, names in os.walk(folder):
        rows = sorted(name for name in names if not name.endswith(_LINES))
        for name in set(rows) - set(spaced(rows, most)):
            gone |= {name, Path(name).stem}
            (Path(at) / name).unlink()
    for path in sorted(one for one in folder.rglob("*") if one.name.endswith(_LINES)):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        head = lines[:1] if path.name.endswith(_HEADED) else []
        left = [line for line in lines[len(head) :] if not gone & {*re.split(r"[^\w.-]+", line)}]
        path.write_text("".join([*head, *spaced(left, most)]), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_an_example_runs_on_a_small_part(kind: str, tmp_path: Path) -> None:
    """Every entrant of the line-up is on the board, and the report has its sections."""
    example, folder = KINDS[kind], tmp_path / kind
    if not (DATA / example.data).is_dir():
        pytest.skip(f"needs {example.data} (CONCOURS_DATA)")
    shutil.copytree(EXAMPLES / kind, folder, ignore=shutil.ignore_patterns("data", "run*"))
    environment = {**os.environ, "CONCOURS_DATA": str(DATA)}
    subprocess.run([sys.executable, folder / "prepare.py"], check=True, env=environment, capture_output=True)
    shrunk(folder / "data", example.rows)
    command = [sys.executable, "-m", "concours", "run", folder / example.contest, "--workers", "2", "--out", "run"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [line["name"] for line in result["standings"] if line["status"] != "ok"] == []
    assert {line["role"] for line in result["standings"]} == {"single", "baseline", "alliance"}
    assert 'id="alliances"' in (tmp_path / "run" / "report.html").read_text()
