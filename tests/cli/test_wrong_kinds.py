"""Files of a run folder in which a value is of another kind than it was: whichever it is, one line names the file."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from concours.api.contest import Contest
from concours.api.looking import look
from concours.cli.board import _FORMATS
from concours.contest.formats import FORMATS, shown_of
from concours.core.digests import digest_bytes
from concours.core.entrant import Entrant
from concours.core.errors import ConcoursError, RunFolderError
from concours.core.standings import Standing
from concours.report.lines import Report
from concours.report.sections.all import sections
from concours.runs.report import write_report
from concours.runs.result_json import line_to_json

OTHERS: list[Any] = [None, True, 7, "text", [], {}]
FILES = ("setup.json", "candidates.json", "result.json")
SHARE = 9
"""One in so many changes is tried in every run of the tests."""
CONTEST = """
[task]
kind = "tabular-classification"
data = "sklearn:iris"
metrics = ["f1_macro", "log_loss"]
split = { test = 0.3, folds = 2 }
[compete]
lineup = "none"
[cooperate]
strategies = ["greedy", "budgeted"]
limits = { size_mb = 20 }
[[entrant]]
name = "bayes"
recipe = "sklearn.naive_bayes:GaussianNB"
[[entrant]]
name = "tree"
recipe = "sklearn.tree:DecisionTreeClassifier"
params = { max_depth = 2 }
"""
GOLDENS = Path(__file__).parents[1] / "goldens" / "kept"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a contest that has been run and looked into."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "c.toml").write_text(CONTEST)
    Contest.from_file(folder / "c.toml").with_options(engine="inline", out=folder / "run").run()
    write_report(look(folder / "run"), engine="inline")
    return folder / "run"


def changes(value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each place in a JSON value, with each value of another kind than what is there."""
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    while waiting:
        path, here = waiting.pop()
        if path:
            yield from ((path, other) for other in OTHERS if kind(other) != kind(here))
        inside = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        waiting += [((*path, key), inner) for key, inner in inside]


def kind(value: Any) -> str:
    """Of a JSON value; whole numbers and others are one."""
    return "number" if type(value) in (int, float) else type(value).__name__


def changed(text: str, path: tuple[Any, ...], other: Any) -> Any:
    """The value of a JSON text with another in one place."""
    value = json.loads(text)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = other
    return value


def try_all(run: Path, name: str, share: int, concours: Callable[..., tuple]) -> tuple[int, int]:
    """Tries one in `share` changes of a file, and every command on those that a result is read from nonetheless.

    Gives how many were refused at the door, and how many led to another result.
    """
    before, text = look(run), (run / name).read_text()
    refused = others = 0
    for path, other in list(changes(json.loads(text)))[::share]:
        (run / name).write_text(json.dumps(changed(text, path, other)))
        result, said = tried(lambda: look(run))
        assert "\n" not in said
        assert not said or "is damaged (" in said or path == ("schema",), (path, other, said)
        refused += bool(said)
        if result is None or result == before:
            continue
        others += 1
        for command in ("show run", "predict run sklearn:iris -o p.csv", "verify run"):
            code, out, error = concours(command)
            assert code in (0, 2) or (code == 1 and "does NOT hold" in out), (command, path, other, error)
            assert "a defect" not in error
            assert code != 2 or error.rstrip("\n").splitlines()[-1].startswith("concours: ")
        said = tried(partial(write_report, result, run.parent / "r.md", format="md", engine="inline"))[1]
        assert "\n" not in said, (path, other)
    (run / name).write_text(text)
    return refused, others


def tried(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call gives, and what it says where it refuses."""
    try:
        return call(), ""
    except ConcoursError as error:
        return None, str(error)


@pytest.fixture
def run(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.mark.parametrize("name", FILES)
def test_a_value_of_another_kind(name: str, run: Path, concours: Callable[..., tuple]) -> None:
    """One in nine values of a file in each other kind: refused at the door, or harmless to every command."""
    refused, _ = try_all(run, name, SHARE, concours)
    assert refused > 10


@pytest.mark.night
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FILES)
def test_every_value_of_another_kind(name: str, run: Path, concours: Callable[..., tuple]) -> None:
    """The same of all of them."""
    refused, others = try_all(run, name, 1, concours)
    assert refused > 100
    assert others > 5


@pytest.mark.parametrize("name", FILES)
def test_the_file_and_the_place_are_named(name: str, run: Path, concours: Callable[..., tuple]) -> None:
    """Three levels down: the line says which file, which place, what was expected, what is there, and what to do."""
    value = json.loads((run / name).read_text())
    (first, *path), said = {
        "setup.json": (["problem", "train", "rows"], "problem.train.rows: expected a whole number, got a text"),
        "candidates.json": ([1, "entrant", "params"], r"\[1\].entrant.params: expected an object, got a text"),
        "result.json": (["standings", 0, "ranks"], r"standings\[0\].ranks: expected an object, got a text"),
    }[name]
    value[first][path[0]][path[1]] = "text"
    (run / name).write_text(json.dumps(value))
    code, _, error = concours("show run")
    assert code == 2
    with pytest.raises(RunFolderError, match=f"{name} is damaged .*{said}.*run the contest again"):
        look(run)
    assert error.count("\n") == 1


def golden(name: str) -> dict[str, Any]:
    """What a golden contest left for people, with the times and digests that goldens leave out."""
    value = json.loads((GOLDENS / f"{name}.json").read_text())
    shown = value["format"]
    for rung in shown.get("rungs", ()):
        rung["seconds"] = 0.5
    if "rungs" in shown:
        shown["seconds"] = 1.0
    for example in shown.get("examples", {}).values():
        example["digest"] = digest_bytes(b"pictures")
    return value


def drawn(value: dict[str, Any], shown: dict[str, Any]) -> None:
    """Draws it in a report and in a terminal."""
    lines = [
        line_to_json(Standing(entrant=Entrant(line["name"], "dnn", role=line["role"]))) | line
        for line in value["standings"]
    ]
    task = {"metrics": ["log_loss"], "rows_train": 100, "rows_test": 100, "classes": ["a", "b", "c"]}
    rest = {"default": value["default"], "greater_is_better": False, "credit": {}, "alliances": {}, "final": "bag"}
    sections(Report({**rest, "format": shown, "task": task, "standings": lines}))
    _FORMATS[shown["name"]](shown, Console(file=io.StringIO(), width=80))


@pytest.mark.parametrize(
    "name", ["arena", "asha", "attacks", "generators", "halving", "population", "swiss", "tournament"]
)
def test_what_a_format_has_left_in_another_kind(name: str) -> None:
    """As it was left it is read and drawn; with any value of another kind it is refused, or drawn too."""
    value = golden(name)
    text = json.dumps(value["format"])
    shown = shown_of(value["format"]["name"], value["format"])
    assert shown == json.loads(text) or json.loads(json.dumps(shown)) == json.loads(text)
    drawn(value, shown)
    refused = 0
    for path, other in list(changes(json.loads(text)))[:: 1 + len(text) // 4000]:
        found, said = tried(partial(shown_of, shown["name"], changed(text, path, other)))
        refused += bool(said)
        assert found or said.startswith("format"), (path, other, said)
        if found:
            drawn(value, found)
    assert refused > 20


def test_every_format_says_what_it_leaves() -> None:
    """A format with a stage has a type for what that shows."""
    assert all(format.shown is not None for format in FORMATS.values() if format.before or format.after)
