"""What is sent to a hosted board as a file: any form, any order; and what is wrong is told row by row."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours.compete.hosted import Hosted
from concours.compete.hosted_entries import Upload
from concours.compete.hosted_measures import ByRows, Sheet
from concours.core.digests import Digest, digest_json
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.own_scoring import OwnScoring
from concours.core.ports import Store
from concours.core.problem import Goal, Problem
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.ingest import ingest, names_of
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.engine.runners.hosted import keep_names
from concours.engine.work import JobResult, RunnerSpec, execute
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.stores.problems import keep_problem
from concours.tasks.task import Split, Task

ROWS, LABELS = 30, ("no", "yes", "maybe")
RNG = np.random.default_rng(3)
STORE = MemoryStore()
P = RNG.dirichlet(np.ones(3), ROWS)
IDS = [f"k{number}" for number in range(ROWS)]
GOOD = pd.DataFrame({"key": IDS, **{f"p_{label}": P[:, code] for code, label in enumerate(sorted(LABELS))}})


def rows(keys: list[str]) -> pd.DataFrame:
    """Rows with ids, an input and a label."""
    return pd.DataFrame({"key": keys, "a": RNG.normal(size=len(keys)), "y": RNG.choice(LABELS, len(keys))})


@pytest.fixture(scope="module")
def home() -> tuple[Problem, Sheet]:
    """A problem of a task with a test part of its own, and what files call its rows and columns."""
    task = Task(
        kind="tabular-classification",
        data=rows([f"t{number}" for number in range(60)]),
        test=rows(IDS),
        target="y",
        id="key",
        split=Split(folds=2, public=0.4),
    )
    ingested = ingest(task, STORE, seed=0, folder=Path())
    names = keep_names(names_of(ingested, STORE, test=True), STORE)
    return ingested.problem, Sheet(names=names, id=task.id, target=task.target_column)


def received(home: tuple[Problem, Sheet], content: bytes, called: str, **change: Any) -> Done | Failed:
    """How a file is received."""
    problem, sheet = home
    by = ByRows(problem=problem, sheet=replace(sheet, **change), seed=0, threads=1)
    return execute(by.received(Upload(file=STORE.put(io.BytesIO(content)), called=called)), STORE, RUNNERS)


def _npz(frame: pd.DataFrame) -> bytes:
    found = io.BytesIO()
    np.savez(found, id=frame["key"].to_numpy(dtype=str), p=frame.filter(like="p_").to_numpy())
    return found.getvalue()


def _parquet(frame: pd.DataFrame) -> bytes:
    found = io.BytesIO()
    frame.to_parquet(found, index=False)
    return found.getvalue()


FORMS: Mapping[str, Callable[[pd.DataFrame], bytes]] = {
    "p.csv": lambda frame: frame.to_csv(index=False).encode(),
    "p.tsv": lambda frame: frame.to_csv(index=False, sep="\t").encode(),
    "p.jsonl": lambda frame: frame.to_json(orient="records", lines=True).encode(),
    "p.parquet": _parquet,
    "p.npz": _npz,
}


@pytest.mark.parametrize("called", FORMS)
def test_a_file_of_any_form_is_read_in_any_order(called: str, home: tuple[Problem, Sheet]) -> None:
    """Its rows are found by their ids, and lie in the store in the order of the test part."""
    event = received(home, FORMS[called](GOOD.sample(frac=1, random_state=0)), called)
    assert isinstance(event, Done), event
    np.testing.assert_allclose(get_array(STORE, event.outputs["test"]), P, rtol=1e-7)


def test_rows_that_have_ids_are_named_by_them(home: tuple[Problem, Sheet]) -> None:
    """A file that names no rows, or names them in another column, is refused: its order may be any."""
    for unnamed in (GOOD.drop(columns="key"), GOOD.rename(columns={"key": "PassengerId"})):
        event = received(home, FORMS["p.csv"](unnamed), "p.csv")
        assert isinstance(event, Failed)
        assert "has no column 'key', by which its rows are found" in event.reason


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"key": "Key"}, "'Key' differs from what is asked in capitals or blanks alone: rename it"),
        ({"p_no": "P_NO", "p_yes": "P_YES", "p_maybe": "P_MAYBE"}, "'P_MAYBE', 'P_NO', 'P_YES' differ from what"),
        ({"p_no": "P_no"}, "column 'p_no' is missing; 'P_no' differs from what is asked"),
    ],
)
def test_a_column_in_other_capitals_is_named(columns: dict[str, str], said: str, home: tuple[Problem, Sheet]) -> None:
    """It is not taken for the one that is asked for, but whoever sent it reads what to rename."""
    event = received(home, FORMS["p.csv"](GOOD.rename(columns=columns)), "p.csv")
    assert isinstance(event, Failed)
    assert said in event.reason


def test_without_ids_rows_are_in_order(home: tuple[Problem, Sheet]) -> None:
    """As many as there are, where rows have no ids; a column of ids is refused then."""
    event = received(home, FORMS["p.csv"](GOOD.drop(columns="key")), "p.csv", names=None)
    assert isinstance(event, Done)
    np.testing.assert_allclose(get_array(STORE, event.outputs["test"]), P, rtol=1e-7)
    event = received(home, FORMS["p.csv"](GOOD), "p.csv", names=None)
    assert isinstance(event, Failed)
    assert "have no ids: leave it out" in event.reason


def changed(column: str, **cells: Any) -> pd.DataFrame:
    """The good file with other cells, by their ids."""
    frame = GOOD.astype({column: object}).set_index("key")
    for key, cell in cells.items():
        frame.loc[key, column] = cell
    return frame.reset_index()


NAMED = GOOD[["key"]].assign(prediction="no")
WRONG: dict[str, tuple[pd.DataFrame, tuple[str, ...]]] = {
    "ids are missing": (
        GOOD.iloc[8:],
        ("8 of the 30 ids of the test part are missing, first 'k0', then 'k1'", "3 more"),
    ),
    "ids of nobody": (
        GOOD.assign(key=["x0", "x1", *IDS[2:]]),
        ("2 ids are none of the test part, first 'x0' in line 2, id 'x0', then 'x1' in line 3", "ids such as 'k0'"),
    ),
    "an id twice": (pd.concat([GOOD, GOOD.iloc[4:6]]), ("2 ids come more than once", "'k4' in line 32, id 'k4'")),
    "no probabilities": (NAMED, ("labels alone, and log_loss, which ranks, needs probabilities",)),
    "not a number": (
        changed("p_no", k3="high", k5="low"),
        ("2 rows, first in line 5, id 'k3', then in line 7", "is no finite number: 'high', 'low'"),
    ),
    "missing": (changed("p_no", k3=None), ("p_no is missing, NaN or infinite in 1 rows, first in line 5, id 'k3'",)),
    "no distribution": (changed("p_no", k0=0.9), ("of 1 rows do not sum to one, first a sum of", "in line 2, id 'k0'")),
    "no probability": (changed("p_no", k9=-1.0), ("p_no is -1 in line 11, id 'k9'; from 0 to 1 was expected",)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_row_by_row(what: str, home: tuple[Problem, Sheet]) -> None:
    """In one line: the file, how many rows, and the first of them with their lines, their ids and what stands there."""
    frame, words = WRONG[what]
    event = received(home, FORMS["p.csv"](frame), "p.csv")
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    assert event.reason.startswith("p.csv")
    assert all(word in event.reason for word in words), event.reason


def test_labels_that_are_no_class(home: tuple[Problem, Sheet]) -> None:
    """Five of them one by one, and how many more there are, on a board of labels."""
    problem, sheet = home
    labels = replace(problem, metrics=(Goal(name="accuracy", greater_is_better=True),))
    wrong = NAMED.assign(prediction=[f"nay{number}" if number < 8 else "no" for number in range(ROWS)])
    event = received((labels, sheet), FORMS["p.csv"](wrong), "p.csv")
    assert isinstance(event, Failed)
    assert "8 predictions are no class, first 'nay0' in line 2, id 'k0', then 'nay1' in line 3" in event.reason
    assert "'nay4'" in event.reason
    assert "'nay5'" not in event.reason
    assert "and 3 more; " in event.reason


@pytest.mark.parametrize("content", [b"", b"\0\1\2", b"key,p_no\nk0", b"PK\3\4 rubbish"])
@pytest.mark.parametrize("called", [*FORMS, "p.csv.gz", "p.zip", "p.json", "p"])
def test_rubbish_is_a_failure_with_a_reason(content: bytes, called: str, home: tuple[Problem, Sheet]) -> None:
    """Whatever it is called: one line, that names the file."""
    event = received(home, content, called)
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    assert event.reason.startswith(called.removesuffix(".gz")), event.reason
    assert "\n" not in event.reason


def test_a_pickle_in_an_array_is_refused(home: tuple[Problem, Sheet]) -> None:
    """Nothing of others is unpickled."""
    found = io.BytesIO()
    np.savez(found, id=np.array([object()] * ROWS), p=P)
    event = received(home, found.getvalue(), "p.npz")
    assert isinstance(event, Failed)
    assert event.cause == "exception"


def test_what_is_gone_is_a_failure_with_a_reason(home: tuple[Problem, Sheet]) -> None:
    """And never the board's."""
    problem, sheet = home
    by = ByRows(problem=problem, sheet=sheet, seed=0, threads=1)
    event = execute(by.received(Upload(file=digest_json("gone"), called="p.csv")), STORE, RUNNERS)
    assert isinstance(event, Failed)
    assert "p.csv cannot be read" in event.reason


# Whole boards


def run_submission(job: Job, store: Store) -> JobResult:
    """As if a program had written a file: the program is the file."""
    return JobResult(outputs={"file": job.inputs["program"]}, values={"called": "out.csv"})


def run_scorer(job: Job, store: Store) -> JobResult:
    """As if a host's program had scored: how many letters of the truth stand where they should."""
    with store.open(job.inputs["truth"]) as truth, store.open(job.inputs["file"]) as file:
        pairs = list(zip(truth.read(), file.read(), strict=False))
    right = sum(one == other for one, other in pairs)
    return JobResult(values={"right": right / len(pairs), "more": "words"} if right else {"more": 1})


STUBS = {name: RunnerSpec(reference=f"{__name__}:{name}", version=1) for name in ("run_submission", "run_scorer")}


def driven(board: Hosted, signals: list[tuple[Any, dict[str, Any], str]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A board to its end, with stand-ins for what runs in a sandbox."""
    runners = {**RUNNERS, **STUBS}
    for name, function in (("run_submission", run_submission), ("run_scorer", run_scorer)):
        monkeypatch.setitem(runners[name].__dict__, "runner", function)
    place = Place()
    for name, body, id in signals:
        place.put(new_signal(name, body, to="board", id=id))
    engine = Engine(
        store=STORE,
        journal=MemoryJournal([]),
        executor=InlineExecutor(STORE, runners),
        code=lambda job: digest_json(runners[job.runner].version),
        inbox=MemoryInbox(place),
    )
    return engine.drive(board, (), seed=0)


def kept(content: bytes) -> Digest:
    """Something in the store."""
    return STORE.put(io.BytesIO(content))


def test_teams_by_files_and_programs(home: tuple[Problem, Sheet], monkeypatch: pytest.MonkeyPatch) -> None:
    """A team has one line, in the end by the better of its finals; a baseline none; a wrong file says what is wrong."""
    problem, sheet = home
    board = Hosted(problem=problem, sheet=sheet)
    files = [RNG.dirichlet(np.ones(3), ROWS) for _ in range(3)]
    sent = [kept(FORMS["p.csv"](GOOD.assign(**dict(zip(GOOD.columns[1:], p.T, strict=True))))) for p in files]
    signals = [
        ("joined", {"name": "a by file", "team": "a", "file": sent[0], "called": "p.csv"}, "a0"),
        ("joined", {"name": "a by program", "team": "a", "program": sent[1], "called": "entry.py"}, "a1"),
        ("joined", {"name": "even", "baseline": True, "file": sent[2], "called": "p.csv"}, "base"),
        ("joined", {"name": "b", "team": "b", "file": sent[2], "called": "p.csv"}, "b0"),
        ("joined", {"name": "wrong", "team": "c", "file": kept(b"key\nk0\n"), "called": "mine.csv"}, "c0"),
        ("closed", {"finals": {"a": ["a0", "a1"]}}, "closed"),
    ]
    state = driven(board, signals, monkeypatch)
    lines = board.standings(state)
    assert {line.rank for line in lines if line.entrant.name.startswith("a ") or line.entrant.name == "b"} == {1, 2}
    assert lines["even"].score == lines["b"].score
    assert lines["wrong"].status == "failed"
    assert "mine.csv" in lines["wrong"].reason
    public = get_array(STORE, problem.public or Digest(""))
    y = get_array(STORE, problem.test.y if problem.test else Digest(""))
    losses = [-np.log(p[~public][np.arange((~public).sum()), y[~public]]).mean() for p in files[:2]]
    best = next(line for line in lines if line.entrant.name.startswith("a "))
    assert best.score == pytest.approx(min(losses), rel=1e-6)


def test_a_host_s_own_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks by its number, equal ones shared, 1, 1, 3; nothing is said of how sure that is; who has none is last."""
    goal = Goal(name="right", greater_is_better=True)
    own = OwnScoring(name="own", metrics=(goal,), scorer=kept(b"py"), truth=kept(b"abcd"), rest=kept(b"dcba"))
    board = Hosted(problem=own)
    sent = {"a": b"abxx", "b": b"xxcd", "c": b"axxx", "d": b"xxxx"}
    signals: list[tuple[Any, dict[str, Any], str]] = [
        ("joined", {"name": name, "team": name, "file": kept(content), "called": "p.txt"}, name)
        for name, content in sent.items()
    ]
    other = replace(own, truth=kept(b"xxxx"))
    state = driven(board, [*signals, ("closed", {}, "closed")], monkeypatch)
    assert state.public.values["rank"] == [1, 1, 3]
    assert [line.ci for line in board.standings(state)] == [None] * 4
    assert board.standings(state)["a"].unsure == {
        "right": "the host's own scorer gives one number, so nothing tells how sure it is"
    }
    assert board.standings(state)["d"].unsure == {"right": "the scorer gave no number called right"}
    assert board.standings(state)["d"].rank is None
    assert [line.entrant.name for line in board.standings(state)][-1] == "d"
    rescored = [*signals, ("rescored", {"problem": keep_problem(other, STORE)}, "again"), ("closed", {}, "closed")]
    state = driven(board, rescored, monkeypatch)
    assert state.scores[f"{other.digest} d"].metrics == {"right": 1.0}
    assert board.scores(state, own.digest)["a"].metrics == {"right": 0.5}
