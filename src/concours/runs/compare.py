"""Comparing contests: two or more run folders side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_metrics
from concours.core.errors import ContestError, RunFolderError
from concours.core.problem import Problem
from concours.core.seeds import derive_seed
from concours.core.standings import Standing
from concours.engine.rows import first_division
from concours.engine.runners.score import as_taken
from concours.kernels.ranking.demsar import over_tasks, task_ranks
from concours.kernels.ranking.differences import differences
from concours.kernels.scoring.crossing import taught
from concours.kernels.scoring.scores import Means
from concours.runs.changes import changes
from concours.runs.compared import Across, Column, Comparison, Difference, Pair, Run
from concours.runs.folder import existing
from concours.runs.result import Result
from concours.runs.trust import Trust, permitted
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued

Floats = NDArray[np.float64]

_TASKS = 3
"""From so many on ranks are tested."""


def compare(paths: Sequence[Path | str], *, trust: Trust | None = None) -> Comparison:
    """Compares finished contests.

    Contests of one task (of one digest: the same rows, split and metrics) are compared row by row, each with the first
    of them. Contests of several tasks are compared by the ranks of what has the same name.

    Args:
        trust: asked, with a sentence, before a metric is called that is somebody's own function and was not agreed to
            when the folders were made here; by default it is refused.

    Raises:
        RunFolderError: a folder holds no finished contest with a model on its board. ContestError: fewer than two
            folders, one twice, or nothing that they share. TrustError: a metric was not to be called.
    """
    runs = _runs(paths)
    tasks: dict[str, list[Run]] = {}
    for run in runs:
        tasks.setdefault(run.problem.digest, []).append(run)
    pairs = [_pair(first, other, trust) for first, *others in tasks.values() for other in others]
    across = _across([same[0] for same in tasks.values()]) if len(tasks) > 1 else None
    if across and len(across.names) < 2:
        if not pairs:
            raise ContestError(_nothing_shared([same[0] for same in tasks.values()]))
        across = None
    return Comparison(pairs=tuple(pairs), across=across)


# The folders


def _runs(paths: Sequence[Path | str]) -> list[Run]:
    folders = [Path(path) for path in paths]
    if len(folders) < 2:
        raise ContestError(f"a comparison takes two run folders or more, got {len(folders)}")
    whole = [folder.resolve() for folder in folders]
    for folder, resolved in zip(folders, whole, strict=True):
        if whole.count(resolved) > 1:
            raise ContestError(f"{folder} was given twice; a comparison takes different run folders")
    labels = _labels(whole)
    return [Run(label=label, result=_finished(folder)) for label, folder in zip(labels, folders, strict=True)]


def _finished(path: Path) -> Result:
    folder = existing(path)
    if folder.read("result.json") is None:
        raise RunFolderError(f"the contest in {path} has not come to its end; run it again with the same command first")
    result = Result.load(path)
    if not result.complete or not any(line.score is not None for line in result.standings):
        raise RunFolderError(
            f"the contest in {path} has no evaluated model to compare; `concours show {path}` has the reasons"
        )
    return result


def _labels(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart."""
    longest = max(len(path.parts) for path in paths)
    ends = (["/".join(path.parts[-depth:]) for path in paths] for depth in range(1, longest + 1))
    return next((labels for labels in ends if len(set(labels)) == len(labels)), [str(path) for path in paths])


# One task


def _pair(first: Run, second: Run, trust: Trust | None) -> Pair:
    """Two contests of one problem."""
    problem = first.problem
    ranking = problem.metrics[0]
    known = first.result.agreed & second.result.agreed
    who = f"comparing {first.result.folder.path} and {second.result.folder.path} by their metric runs"
    agreed = permitted(asked_of_metrics([ranking.name]), known=known, who=who, trust=trust)
    ours, theirs = first.lines(), second.lines()
    shared = [name for name in ours if name in theirs]
    a, b = first.result.default, second.result.default
    stars = [(a, b)] if a in ours and b in theirs and a and b else []
    with consent.granted(agreed):
        of_default = next(iter(_differences(first, second, stars)), None)
        lines = tuple(_differences(first, second, [(name, name) for name in shared]))
    return Pair(
        task=problem.name or problem.kind,
        metric=ranking.name,
        greater_is_better=ranking.greater_is_better,
        rows=problem.test.rows if problem.test else problem.train.rows,
        part="test" if problem.test else "oof",
        first=first.label,
        second=second.label,
        default=of_default,
        lines=lines,
        only_first=tuple(name for name in ours if name not in theirs),
        only_second=tuple(name for name in theirs if name not in ours),
        changes=tuple(changes(first.result, second.result)),
        same=first.result.digest == second.result.digest,
    )


def _differences(first: Run, second: Run, names: Sequence[tuple[str, str]]) -> list[Difference]:
    """Of models by their names in the two contests; certain is what is so over all of them together."""
    if not names:
        return []
    greater = first.problem.metrics[0].greater_is_better
    ours, theirs = (first.result.candidates, second.result.candidates)
    sides = [list(dict.fromkeys(name for name, _ in names)), list(dict.fromkeys(name for _, name in names))]
    means = _means(first, second, sides)
    places = [(sides[0].index(a), len(sides[0]) + sides[1].index(b)) for a, b in names]
    told = differences(means, places)
    found = []
    for index, ((a, b), (i, j)) in enumerate(zip(names, places, strict=True)):
        value, low, high = (_finite(side[index]) for side in (told.value, told.low, told.high))
        better = (value or 0.0) if greater else -(value or 0.0)
        found.append(
            Difference(
                name=a if a == b else f"{a} / {b}",
                role=first.lines()[a].entrant.role,
                first=float(means.means[i]),
                second=float(means.means[j]),
                value=value,
                low=low,
                high=high,
                certain=bool(told.certain[index]),
                ahead="first" if better > 0 else "second" if better < 0 else "",
                identical=(ours[a].oof, ours[a].test) == (theirs[b].oof, theirs[b].test),
            )
        )
    return found


def _means(first: Run, second: Run, sides: Sequence[Sequence[str]]) -> Means:
    """The ranking metric of the models of both contests on the test part, with their covariance."""
    problem = first.problem
    found = output_valued(problem.output).metric(problem.metrics[0].name, problem.output.labels or None)
    store = first.result.folder.store
    y = get_values(store, (problem.test or problem.train).y)
    folds = None if problem.test else first_division(store, problem.folds)
    predictions = []
    for run, chosen in zip((first, second), sides, strict=True):
        for name in chosen:
            candidate = run.result.candidates[name]
            digest = candidate.test if problem.test else candidate.oof
            if digest is None:
                raise RunFolderError(f"{run.result.folder.path} has kept no predictions of {name}")
            p = get_values(run.result.folder.store, digest)
            predictions.append(as_taken(found, p, candidate.decision, folds))
    part = problem.test or problem.train
    groups = get_array(store, part.groups) if part.groups else None
    weights = get_array(store, part.weights) if part.weights else None
    means = found.means(y, predictions, seed=derive_seed(0, "compare"), rounds=200, groups=groups, weights=weights)
    return means if folds is None else taught(means)


# Several tasks


def _across(runs: Sequence[Run]) -> Across:
    """One contest of each task."""
    boards = [{name: line for name, line in run.lines().items() if line.entrant.role != "baseline"} for run in runs]
    counts: dict[str, int] = {}
    for board in boards:
        for name in board:
            counts[name] = counts.get(name, 0) + 1
    everywhere = [name for name in counts if counts[name] == len(runs)]
    columns = tuple(_column(run, board, everywhere) for run, board in zip(runs, boards, strict=True))
    mean = {name: float(np.mean([column.ranks[name] for column in columns])) for name in everywhere}
    shared = sorted((n for n, count in counts.items() if count > 1), key=lambda n: (mean.get(n, np.inf), n))
    return Across(
        columns=columns,
        names=tuple(shared),
        roles={name: next(board[name].entrant.role for board in boards if name in board) for name in shared},
        everywhere=tuple(name for name in shared if name in mean),
        mean_ranks=mean,
        ranking=None if _of_one_source(runs) else _ranking(columns, [name for name in shared if name in mean]),
        notes=tuple(_notes(runs, boards, shared)),
    )


def _column(run: Run, board: Mapping[str, Standing], everywhere: Sequence[str]) -> Column:
    problem = run.problem
    metric = problem.metrics[0]
    scores = {name: float(line.score) for name, line in board.items() if line.score is not None}
    (ranks,) = task_ranks(np.array([[scores[name] for name in everywhere]]), greater_is_better=metric.greater_is_better)
    return Column(
        task=problem.name or problem.kind,
        run=run.label,
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        rows=problem.test.rows if problem.test else problem.train.rows,
        part="test" if problem.test else "oof",
        scores=scores,
        ranks=dict(zip(everywhere, map(float, ranks), strict=True)),
    )


def _ranking(columns: Sequence[Column], names: Sequence[str]) -> dict[str, Any] | None:
    """What ranks over tasks show; nothing of fewer than three tasks or two names."""
    if len(columns) < _TASKS or len(names) < 2:
        return None
    found = over_tasks(np.array([[column.ranks[name] for name in names] for column in columns]))
    return {
        "p": found.p,
        "critical": found.critical,
        "intervals": {n: [float(a), float(b)] for n, a, b in zip(names, found.low, found.high, strict=True)},
        "groups": [[names[place] for place in group] for group in found.groups()],
    }


def _notes(runs: Sequence[Run], boards: Sequence[Mapping[str, Standing]], shared: Sequence[str]) -> list[str]:
    """What keeps tasks from being alike."""
    notes = []
    metrics = {run.problem.metrics[0].name for run in runs}
    if len(metrics) > 1:
        notes.append(f"the metrics differ ({', '.join(sorted(metrics))}): ranks can be compared across, scores cannot")
    not_evaluated = [run.label for run in runs if run.problem.test is None]
    if not_evaluated:
        notes.append(f"without a test part, by the out-of-fold score: {', '.join(not_evaluated)}")
    for one, other in _of_one_source(runs):
        notes.append(
            f"{one.label} and {other.label} seem to be the same data, but not the same rows to judge by, or other "
            "metrics: they cannot be compared row by row, and are not two independent tasks, so ranks are not tested"
        )
    varied = [name for name in shared if len(_recipes(boards, name)) > 1]
    if varied:
        notes.append(f"not with the same recipe and parameters in every task: {', '.join(varied)}")
    return notes


def _recipes(boards: Sequence[Mapping[str, Standing]], name: str) -> set[str]:
    """The digests of what a name stands for; of a joint model its strategy, as members and weights are the task's."""
    entrants = [board[name].entrant for board in boards if name in board]
    return {entrant.joint.how if entrant.joint else entrant.digest for entrant in entrants}


def _of_one_source(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Pairs of tasks that, by name, classes and number of rows, are the same data."""

    def source(problem: Problem) -> tuple[object, ...]:
        rows = problem.train.rows + (problem.test.rows if problem.test else 0)
        return problem.name, problem.kind, problem.output.name, problem.output.labels, rows

    return [(one, other) for one, other in combinations(runs, 2) if source(one.problem) == source(other.problem)]


def _nothing_shared(runs: Sequence[Run]) -> str:
    told = "; ".join(f"{run.label} has {', '.join([*run.lines()][:6])}" for run in runs)
    return f"these are different tasks, and fewer than two entrants have the same name in two of them: {told}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
