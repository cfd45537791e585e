"""An arena as a folder: its prompts and its baselines are read before it is published, as they will be on the platform."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from concours.server.hosting.check import check

EXAMPLE = Path(__file__).parents[2] / "examples/arena-competition"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(EXAMPLE / "explained", tmp_path / "explained"))


def test_the_example_passes(folder: Path) -> None:
    """With its prompts counted."""
    found = check(folder)
    assert found.findings == ()
    assert found.opened is not None
    assert found.opened.reading == ("prompts.csv: 10 prompts",)
    assert [one["name"] for one in found.opened.baselines] == ["Says it again"]


def test_its_answers_are_to_its_prompts(folder: Path) -> None:
    """Each of the files that a reader is told to send would be taken."""
    for file in sorted((EXAMPLE / "answers").glob("*.csv")):
        shutil.copy(file, folder / "baselines/again.csv")
        assert check(folder).passes, file.name


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("data/prompts.csv", "id,question\n1,why?\n", "prompts.csv must have one column 'prompt'"),
        ("data/prompts.csv", "id,prompt\n1,why?\n1,how?\n", "prompts.csv: 1 id stand in more than one row, first '1'"),
        ("baselines/again.csv", "id,answer\nice,so\n", "again.csv has no answer to 9 of 10 prompts, first 'moon'"),
    ],
    ids=["column", "twice", "missing"],
)
def test_what_publishing_would_refuse_is_said(folder: Path, file: str, content: str, said: str) -> None:
    """Rather than when people wait for a battle."""
    (folder / file).write_text(content)
    found = check(folder)
    assert not found.passes
    assert said in " ".join(one.what for one in found.findings)


def test_a_baseline_of_an_arena_brings_answers(folder: Path) -> None:
    """Nobody runs code to be voted on."""
    (folder / "baselines/again.py").write_text("print()\n")
    settings = folder / "competition.toml"
    settings.write_text(
        settings.read_text().replace('predictions = "baselines/again.csv"', 'code = "baselines/again.py"')
    )
    found = check(folder)
    assert not found.passes
    assert "in an arena it is a file of answers" in " ".join(one.what for one in found.findings)


def test_the_answers_of_the_example_differ() -> None:
    """So that there is something to vote on."""
    files = [file.read_text() for file in (EXAMPLE / "answers").glob("*.csv")]
    texts = [row["answer"] for content in files for row in csv.DictReader(io.StringIO(content))]
    assert len(set(texts)) == len(texts) == 30
