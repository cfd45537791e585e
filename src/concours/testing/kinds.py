"""The conformance suite of kinds: a contest on invented data, from reading it to predicting and verifying."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.api.contest import Contest
from concours.api.score import rows_to_predict, score_predictions
from concours.api.writing import write_table
from concours.core.entrant import Entrant
from concours.core.problem import Problem
from concours.core.registry import load
from concours.core.values import take
from concours.engine.ingest import ingest
from concours.runs.predict import deciding
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.memory import MemoryStore
from concours.stores.values import concat, get_values, put_values
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_valued
from concours.tasks.task import Task
from concours.testing.laws import law

_SEED = 3


def check_kind(kind: Kind | str, *, entrants: int = 2) -> Result:
    """Checks that a kind of task can be held as a contest, on its own sample of data.

    Laws:

    - the sample is read, and the problem survives JSON; two readings of it are one problem;
    - its line-ups are `fast` and, where it likes, `full`, and name entrants;
    - its baseline and the first entrants of its line-up are fitted, and stand on the board with scores by every metric;
    - alliances join them; by every rule members may change places; by the first one, which makes bags and averages, a
      member without a weight does not count, and what is joined of one alone is its predictions, if they may be added;
    - predictions survive the store, and a file of predictions, which scores as the board says;
    - targets and predictions can be shown in words; the receipt of the contest holds.

    Args:
        kind: or its name; it must have a `sample`.
        entrants: how many of the line-up.

    Returns:
        The result of the contest, whose run folder is gone.

    Raises:
        LawBroken: with the law that does not hold.
    """
    kind = kind_named(kind) if isinstance(kind, str) else kind
    law(bool(kind.sample), f"{kind.name}: a kind has a sample of data to be checked by")
    with tempfile.TemporaryDirectory(prefix="concours-") as place:
        folder = Path(place)
        task: Task = load(kind.sample)(folder, _SEED)
        law(task.kind == kind.name, f"{kind.name}: its sample is of its kind, got {task.kind}")
        for lineups in filter(None, (kind.lineups, kind.mixed)):
            law("fast" in lineups and {*lineups} <= {"fast", "full"}, f"{kind.name}: line-ups are `fast`, and `full`")
            law(all(lineups.values()), f"{kind.name}: a line-up names entrants")
        names = kind.lineups.get("fast", ())[:entrants]
        law(len(names) > 1, f"{kind.name}: the line-up `fast` names two entrants or more, which can be joined")
        contest = Contest(
            task=task,
            entrants=[Entrant(name=name, recipe=name) for name in names],
            cooperate=["average", "greedy"],
            engine="inline",
            out=folder / "run",
            seed=_SEED,
        )
        result = contest.run(lasting=False)
        output = output_valued(result.setup.problem.output)
        _check_problem(kind, contest, result.setup.problem)
        _check_board(kind, result, names)
        _check_values(kind, result, output)
        _check_joins(kind, result, output)
        _check_file(kind, contest, result, output, folder)
        _check_receipt(kind, folder)
        return result


def _check_problem(kind: Kind, contest: Contest, problem: Problem) -> None:
    read = [ingest(contest.task, MemoryStore(), seed=_SEED, folder=contest.folder).problem.digest for _ in range(2)]
    law(read[0] == read[1], f"{kind.name}: two readings of its sample are one problem")
    law(Problem.from_json(problem.to_json()) == problem, f"{kind.name}: a problem survives JSON")
    law(problem.test is not None, f"{kind.name}: its sample has a test part")


def _check_board(kind: Kind, result: Result, names: tuple[str, ...]) -> None:
    lines = {line.entrant.name: line for line in result.standings}
    for name in (kind.baseline, *names, "average", "greedy"):
        law(name in lines, f"{kind.name}: {name} stands on the board; there are {', '.join(lines)}")
        line = lines[name]
        law(line.status == "ok", f"{kind.name}: {name} is {line.status}: {line.reason}")
        for metric, value in line.metrics.items():
            law(value is not None and bool(np.isfinite(value)), f"{kind.name}: {metric} of {name} is a number")


def _predictions(result: Result, name: str) -> Any:
    digest = result.candidates[name].test
    law(digest is not None, f"{name} has predictions of the test part")
    return get_values(result.folder.store, digest or result.setup.problem.folds)


def _check_values(kind: Kind, result: Result, output: OutputKind) -> None:
    store, test = result.folder.store, result.setup.problem.test
    y = get_values(store, test.y) if test else None
    for name in result.candidates:
        p, some = _predictions(result, name), np.arange(3)
        same = _alike(output.accepted(p, len(p)), p)
        law(same, f"{kind.name}: predictions that are accepted are accepted as they are")
        law(_alike(get_values(store, put_values(store, p)), p), f"{kind.name}: predictions survive the store")
        law(
            _alike(concat([take(p, some), take(p, some + 3)]), take(p, np.arange(6))), f"{kind.name}: rows can be taken"
        )
        for values in (p, y):
            told = output.written(take(values, some))
            law(len(told) == 3 and all(isinstance(text, str) for text in told), f"{kind.name}: rows are shown in words")


def _check_joins(kind: Kind, result: Result, output: OutputKind) -> None:
    members = [_predictions(result, name) for name in result.candidates][:2]
    for rule in output.joins:
        join = output.joining(rule, members)
        one, both, swapped = np.array([1.0, 0.0]), np.array([0.7, 0.3]), np.array([0.3, 0.7])
        if rule == next(iter(output.joins)):
            alone, adds = output.join(rule, members[:1], np.array([1.0])), "sum" in output.can
            law(_alike(join(one), alone), f"{kind.name}: who has no weight does not count in {rule}")
            law(not adds or _alike(alone, members[0]), f"{kind.name}: {rule} of one member alone is its predictions")
        told = output.joining(rule, members[::-1])(swapped)
        law(_alike(join(both), told), f"{kind.name}: members may change places in {rule}")
        law(
            _alike(output.join(rule, iter(members), both), join(both)),
            f"{kind.name}: {rule} is the same for many weights",
        )


def _check_file(kind: Kind, contest: Contest, result: Result, output: OutputKind, folder: Path) -> None:
    name = result.default or kind.baseline
    columns = output.columns(_predictions(result, name), deciding(result, name), proba=output.estimator == "classifier")
    law("prediction" in columns, f"{kind.name}: a file of predictions has a column `prediction`")
    ids = rows_to_predict(contest)
    file = folder / "predictions.csv"
    write_table(pa.table({**{key: ids[key] for key in ids.column_names}, **columns}), file)
    found = {score.metric: score.score for score in score_predictions(contest, file).scores}
    line = next(line for line in result.standings if line.entrant.name == name)
    for metric, value in line.metrics.items():
        known = found.get(metric)
        same = known is not None and value is not None and bool(np.isclose(known, value, rtol=1e-6, atol=1e-9))
        law(same, f"{kind.name}: {metric} of a file of {name} is {found.get(metric)}, and on the board {value}")


def _check_receipt(kind: Kind, folder: Path) -> None:
    faults = [finding.text for finding in verify(folder / "run").findings if finding.state == "fault"]
    law(not faults, f"{kind.name}: the receipt holds: {'; '.join(faults)}")


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-9, atol=1e-12))
    return bool(one.equals(other)) or str(one.to_pylist()) == str(other.to_pylist())
