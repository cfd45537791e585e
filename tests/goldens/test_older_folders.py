"""Run folders that an earlier form of Concours wrote are read, and what cannot be done with them is said.

`older/schema-2.zip` holds what each of the goldens' contests left then, and of one the whole folder;
`older/schema-3.zip` what three small contests left.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from concours.core.errors import RunFolderError
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.upgrade import SCHEMA, upgraded_result, upgraded_setup
from concours.tasks.kinds import KINDS

sys.path.insert(0, str(Path(__file__).parent))
from test_goldens import GOLDENS, KEPT, differing, reduced

OLDER = Path(__file__).parent / "older"
ARCHIVE = OLDER / "schema-2.zip"
CONTEST = '[task]\nkind = "tabular-classification"\ndata = "sklearn:iris"\n[compete]\nlineup = "none"\n'


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the older folders lie, by the name of their golden."""
    place = tmp_path_factory.mktemp("older")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(place)
    return place


@pytest.mark.parametrize("name", GOLDENS)
def test_what_an_older_result_says_is_what_the_contest_comes_to_today(folders: Path, name: str) -> None:
    """Scores, weights and shares stand under the names that they have now; how sure they are is told otherwise since."""
    value = json.loads((folders / name / "result.json").read_text())
    found = json.loads(json.dumps(upgraded_result(value)).replace('"light"', '"budgeted"'))
    kept = json.loads((KEPT / f"{name}.json").read_text())
    assert found["schema"] == SCHEMA
    assert differing(_certain(reduced(found)), _certain(kept), GOLDENS[name].close) == []


def _certain(value: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on how intervals and ranks are found."""
    kept = ("name", "role", "status", "score", "metrics", "cv_score")
    lines = [{key: line[key]["score"] if key == "cv_score" and line[key] else line[key] for key in kept}
             for line in value["standings"]]  # fmt: skip
    shares = {
        name: {member: found["shapley"] for member, found in credit["members"].items()}
        for name, credit in value["credit"].items()
    }
    return {"default": value["default"], "standings": lines, "joined": value["joined"], "credit": shares}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_board_and_the_report_of_an_older_folder_are_shown(
    folders: Path, name: str, tmp_path: Path, concours
) -> None:
    """With what was looked into then; nothing is run for it."""
    run, page = folders / name, tmp_path / "page.html"
    result = Result.load(run)
    code, shown, _ = concours("show", str(run))
    assert (code, (result.default or "") in shown) == (0, True)
    code, _, error = concours("report", str(run), "-o", str(page))
    assert (code, error) == (0, "")
    text = page.read_text()
    assert all(line.entrant.name in text for line in result.standings)
    if (run / "insights.json").exists() and "importance" in json.loads((run / "insights.json").read_text()):
        assert 'id="explanations"' in text


def test_the_digest_of_an_older_result_is_what_it_was(folders: Path) -> None:
    """It names the result, wherever it was cited."""
    value = json.loads((folders / "classes" / "result.json").read_text())
    assert Result.load(folders / "classes").digest == value["digest"]


def test_what_an_older_folder_cannot_do_is_said_in_a_line(folders: Path, tmp_path: Path, concours) -> None:
    """Running on, verifying, predicting and collecting garbage; nothing in the folder changes."""
    run = folders / "classes"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "lock"}
    contest = tmp_path / "contest.toml"
    contest.write_text(CONTEST)
    commands = (
        ["run", str(contest), "--out", str(run)],
        ["verify", str(run)],
        ["gc", str(run)],
        ["predict", str(run), "sklearn:iris", "-o", str(tmp_path / "p.csv")],
    )
    for words in commands:
        code, _, error = concours(*words)
        assert (code, error.count("\n")) == (2, 1), words
        assert "was written by an earlier version of Concours" in error, words
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "lock"} == before
    with pytest.raises(RunFolderError, match="to predict"):
        predict(Result.load(run), "sklearn:iris")


@pytest.mark.parametrize("schema", [1, SCHEMA + 1, None, "3"])
def test_a_folder_of_an_unknown_form_is_refused(folders: Path, tmp_path: Path, schema: object) -> None:
    """It may mean anything; the line says which form it claims."""
    for path in (folders / "number").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    value = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps({**value, "schema": schema}))
    with pytest.raises(RunFolderError, match="another version of Concours"):
        Result.load(tmp_path)


@pytest.mark.parametrize("name", ["joined", "number", "untested"])
def test_a_folder_in_which_a_kind_alone_told_of_its_problem_is_read(name: str, tmp_path: Path, concours) -> None:
    """Schema 3 had the classes, and neither input nor output; scores, alliances and the digest are as they were."""
    with zipfile.ZipFile(OLDER / "schema-3.zip") as archive:
        archive.extractall(tmp_path)
    run = tmp_path / name
    kept = json.loads((run / "result.json").read_text())
    result = Result.load(run)
    assert result.digest == kept["digest"]
    assert result.to_json()["standings"] == kept["standings"]
    assert concours("show", str(run))[0] == concours("report", str(run), "-o", str(tmp_path / "page.html"))[0] == 0
    code, _, error = concours("verify", str(run))
    assert (code, error.count("\n")) == (2, 1) and "was written by an earlier version of Concours" in error


@pytest.mark.parametrize("kind", [*KINDS.own, "nothing"])
def test_what_is_no_older_problem_stays_as_it_is(kind: str) -> None:
    """Of any kind, with any classes: whoever reads it then says where it is damaged."""
    for classes in ([], ["a"], ["a", "b"], [None, 1], [["a"], {}], "ab", None):
        value = {"kind": kind, "classes": classes}
        found = upgraded_setup({"problem": value})["problem"]
        assert found == value or (tuple(classes) == found["output"]["labels"] and "classes" not in found), classes
