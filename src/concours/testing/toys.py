"""Toy jobs: the kinds of a real contest, done in no time, so that the real processes run over them. Imports no numpy.

What a toy job yields is made from its digest and nothing else. What it does besides is set by environment variables, so
that it reaches workers:

- `CONCOURS_TOYS_MARKS`: a file outside store and journal, to which every job adds a line when it begins and ends;
- `CONCOURS_TOYS_SLEEP`: the longest a job may sleep, in seconds; how long each one does is made from its digest;
- `CONCOURS_TOYS_BYTES`: the size of what it yields;
- `CONCOURS_TOYS_KILL`: the label of a job; when half of what it yields is written, all of the process group
  `CONCOURS_TOYS_GROUP` is killed, and its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from concours.compete.jobs import Final
from concours.contest.setup import Setup
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.kind import Output
from concours.core.ports import Store
from concours.core.problem import Goal, Part, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.engine.work import JobResult, RunnerSpec
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.number import Number
from concours.testing.mischief import MISCHIEF

MARKS, SLEEP, BYTES, KILL, GROUP = (f"CONCOURS_TOYS_{name}" for name in ("MARKS", "SLEEP", "BYTES", "KILL", "GROUP"))
_DEFAULT_BYTES = 1 << 16
_KINDS = (
    "check",
    "calibrate",
    "prepare",
    "fit",
    "gather",
    "blend",
    "select",
    "size",
    "boost",
    "meta_learner",
    "weigh",
    "cascade",
    "ask",
    "architectures",
    "choose_soup",
    "merge",
    "score",
    "evaluate",
    "receive",
    "rank",
    "rescore",
    "choice",
    "credit",
    "card",
    "diagnose",
    "by_fold",
    "complement",
    "importance",
    "dependence",
    "occlude",
    "curve",
    "attack",
    "train_on_attacks",
    "robustness",
    "train_pair",
    "evaluate_generators",
    "train_interval",
    "propose",
    "subsample",
    "rung",
    "prune",
    "duels",
    "count_votes",
    "rate",
)


def toy(job: Job, store: Store) -> JobResult:
    """Reads its inputs, sleeps a little, does its mischief if it has any, and yields content made from its digest."""
    with marked(job):
        for digest in job.inputs.values():
            with store.open(digest) as file:
                file.read(1)
        time.sleep(float(os.environ.get(SLEEP, "0")) * chance(job, "sleep"))
        _misbehave(job)
        return JobResult(
            outputs={name: store.put(_content(job, name)) for name in job.outputs},
            values=invented_values(job),
            phases={"fit": 1.0, "predict": 0.5} if job.runner in ("fit", "merge") else {},
        )


def noop(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (the form of a runner)
    """Does nothing."""
    return JobResult()


RUNNERS = {
    **{kind: RunnerSpec(reference="concours.testing.toys:toy", version=1) for kind in _KINDS},
    "noop": RunnerSpec(reference="concours.testing.toys:noop", version=1),
}
"""By the kind of job, like those of `concours.engine.runners`."""

REFERENCE = "concours.testing.toys:RUNNERS"


def code_of(job: Job) -> Digest:
    """The digest of the code of a toy job, for an engine."""
    return digest_json(RUNNERS[job.runner].version)


def chance(job: Job, *what: str) -> float:
    """A number from 0 up to 1, made from a job's digest."""
    return int(digest_json([job.digest, *what])[7:15], 16) / 2**32


def invented_values(job: Job) -> dict[str, Any]:
    """Values of the form that the real runner of this kind yields, made from the job's digest."""
    return _INVENTED[job.runner](job) if job.runner in _INVENTED else {}


@dataclass(frozen=True, kw_only=True)
class Errands(MemoProcess):
    """A process that wants some jobs done, and nothing else."""

    jobs: tuple[Job, ...]

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self.jobs)


def toy_job(name: str, *, mischief: str | None = None, outputs: tuple[str, ...] = ("first", "second")) -> Job:
    """A job of the toys' table."""
    params = {"mischief": mischief} if mischief else {}
    return Job(runner="fit", params={"name": name, "params": params}, outputs=outputs, label=name)


def toy_output(classes: int) -> Output:
    """Of so many classes, called 0, 1, …, or a number where there are none."""
    return (Classes(classes=classes, called=tuple(range(classes))) if classes else Number()).value


def toy_problem(store: Store, *, folds: int = 3, test: bool = True, classes: int = 3, seed: int = 0) -> Problem:
    """A problem whose data are a few bytes in the store."""

    def kept(name: str) -> Digest:
        return store.put(io.BytesIO(f"{name} {seed}".encode()))

    def part(name: str) -> Part:
        return Part(x=kept(f"{name} x"), y=kept(f"{name} y"), ids=kept(f"{name} ids"), rows=100)

    return Problem(
        name="toys",
        kind="tabular-classification" if classes else "tabular-regression",
        input=TABLE.value,
        output=toy_output(classes),
        metrics=(Goal(name="log_loss", greater_is_better=False), Goal(name="accuracy", greater_is_better=True)),
        train=part("train"),
        folds=kept("folds"),
        n_folds=folds,
        test=part("test") if test else None,
    )


def toy_candidates(count: int = 4, *, mischief: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """A baseline and some entrants, every other one on prepared data; then one entrant for each mischief."""
    baseline = Entrant(name="dummy", recipe="toy", params={"number": -1}, prepare="toy", role="baseline")
    raw = [Entrant(name=f"toy{i}", recipe="toy", params={"number": i}, prepare="none") for i in range(count)]
    entrants = [replace(entrant, prepare="toy") if i % 2 else entrant for i, entrant in enumerate(raw)]
    clumsy = [Entrant(name=name, recipe="toy", params={"mischief": name}, prepare="none") for name in mischief]
    return tuple(Candidate(entrant=entrant) for entrant in (baseline, *entrants, *clumsy))


def toy_setup(
    store: Store,
    *,
    entrants: int = 4,
    folds: int = 3,
    test: bool = True,
    final: Final = "refit",
    strategies: Sequence[str] = ("average", "vote", "greedy", "stack"),
    mischief: Sequence[str] = (),
    format: str = "leaderboard",
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Setup:
    """All that `concours.contest.circle.circle` needs for a contest of toy jobs."""
    from concours.contest.formats import options_of  # here: workers of toy jobs need none of it
    from concours.contest.strategies import read_strategies

    return Setup(
        problem=toy_problem(store, folds=folds, test=test, seed=seed),
        candidates=toy_candidates(entrants, mischief=mischief),
        skipped={},
        seed=seed,
        final=final,
        strategies=read_strategies(strategies),
        format=format,
        options=options_of(format, options or {}),
    )


@dataclass(frozen=True)
class Mark:
    """A line of the file of marks."""

    what: Literal["begin", "end"]
    job: Digest
    label: str


@contextmanager
def marked(job: Job) -> Iterator[None]:
    """Marks the beginning and, unless it is lost on the way, the end of a job."""
    _mark("begin", job)
    try:
        yield
    finally:
        _mark("end", job)


def read_marks(path: Path) -> list[Mark]:
    """The marks in a file, in the order in which they were made."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Mark(*line.split(" ", 2)) for line in lines]  # type: ignore[arg-type]


def kill_group() -> None:
    """Kills the process group that runs the contest, and this process's own, as from outside.

    The fence around a job keeps its signals back. On Linux the system sends this one, when a byte comes into a pipe.
    """
    group = int(os.environ[GROUP])
    if sys.platform == "linux":
        end, beginning = os.pipe()
        fcntl.fcntl(end, fcntl.F_SETOWN, -group)
        fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
        os.write(beginning, b"!")
    else:
        os.killpg(group, signal.SIGKILL)
    os.killpg(0, signal.SIGKILL)


def _mark(what: str, job: Job) -> None:
    path = os.environ.get(MARKS)
    if path:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, f"{what} {job.digest} {job.label}\n".encode())
        os.close(file)


def _misbehave(job: Job) -> None:
    params = job.params.get("params", job.params)
    if job.runner == "fit" and "mischief" in params:
        MISCHIEF[params["mischief"]]()


def _content(job: Job, name: str) -> io.BytesIO:
    size = int(os.environ.get(BYTES, _DEFAULT_BYTES))
    content = hashlib.shake_256(f"{job.digest} {name}".encode()).digest(size)
    return _Cut(content) if os.environ.get(KILL) == job.label else io.BytesIO(content)


class _Cut(io.BytesIO):
    """Content at whose middle the contest is killed."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            kill_group()
        return super().read(len(self.getbuffer()) // 2)


def _count(job: Job, name: str) -> int:
    return sum(key.startswith(name) for key in job.inputs)


def _rated(job: Job) -> dict[str, Any]:
    """Ratings of whoever is known to the toys; a poll shows those that have joined."""
    best = sorted(("team 0", "team 1", "team 2"), key=lambda name: -chance(job, name))
    lines = [
        {"name": name, "rating": 1000 * chance(job, name), "ci": [0.0, 1000.0], "rank": place, "note": "", "tier": 1}
        for place, name in enumerate(best, 1)
    ]
    ranges = {"rank_best": 1, "rank_worst": len(best)}
    return {"ratings": [{**line, **ranges} for line in lines], "warnings": [], "battles": 100 * len(job.inputs)}


def _credit(job: Job) -> dict[str, Any]:
    worth = [chance(job, "worth", str(i)) for i in range(_count(job, "predictions"))]
    return {
        "value": sum(worth),
        "prior": 0.0,
        "gain_stderr": 0.1,
        "exact": True,
        "shapley": worth,
        "stderr": [0.1 for _ in worth],
        "shares": [value / sum(worth) for value in worth],
        "lost": [value / 2 for value in worth],
        "lost_stderr": [0.1 for _ in worth],
        "best": 0,
        "ahead": worth[-1] / 2,
        "ahead_stderr": 0.1,
        "joining_shares": [1 / len(worth) for _ in worth],
        "interactions": [[0, 1, -0.1, 0.1]],
    }


def _attacked(job: Job) -> dict[str, Any]:
    attacks = job.params["attacks"]
    chosen = [int(chance(job, "chosen", str(i)) * len(attack["settings"])) for i, attack in enumerate(attacks)]
    left = [chance(job, "left", str(i)) for i in range(len(attacks))]
    change = {"change": chance(job, "change"), "change_stderr": 0.1} if "before" in job.inputs else {}
    told = [{"chosen": number, "left": share} for number, share in zip(chosen, left, strict=True)]
    shown = {"true": [0], "places": [0], "named": [[0]] * (1 + len(attacks))} if "examples" in job.outputs else {}
    return {"attacks": told, "clean": 0.9, "worst": min(left), "stderr": 0.01, "farthest": 0.1, **change, **shown}


def _contended(job: Job) -> dict[str, Any]:
    made, attacks = job.params["attacks"], len(job.params["names"])
    worst = _chances(job, "worst", len(made))
    most = max(map(len, made))
    ranked = [i for i, numbers in enumerate(made) if len(numbers) == most]
    ranks = {i: [1 + sum(worst[other] > worst[i] for other in ranked), 1, len(ranked)] for i in ranked}
    shares = [[share, max(share - 0.1, 0.0), min(share + 0.1, 1.0)] for share in worst]
    return {
        "rows": 100,
        "clean": shares,
        "matrix": [
            [share if a in own else None for a in range(attacks)] for share, own in zip(shares, made, strict=True)
        ],
        "worst": [{"share": share, "rank": ranks.get(i), "tier": 1} for i, share in enumerate(shares)],
        "curves": [[share] * 6 for share in shares],
        "attackers": [{"left": [0.5, 0.4, 0.6], "rank": [1, 1, attacks]} for _ in range(attacks)],
        "masked": [False] * len(made),
    }


def _appraised(job: Job) -> dict[str, Any]:
    generators = _count(job, "pair") + 1
    distance = [[10 * (d := chance(job, "distance", str(i))), 9 * d, 11 * d] for i in range(generators)]
    ranks = [[1, 1, generators] for _ in range(generators)]
    return {
        "rows": 100,
        "distance": distance,
        "panel": [[0.3, 0.2, 0.4] for _ in range(generators)],
        "distance_ranks": ranks,
        "panel_ranks": ranks,
        "tier": [1] * generators,
        "passing": [[0.3] * (generators - 1) for _ in range(generators)],
        "real": 0.1,
    }


def _evaluated(job: Job) -> dict[str, Any]:
    count = _count(job, "predictions")
    scores = {name: [chance(job, name, str(i)) for i in range(count)] for name in job.params["metrics"]}
    first = next(iter(scores.values()))
    ranks = [1 + sum(other < score for other in first) for score in first]
    return {
        "scores": scores,
        "intervals": {name: [[score - 0.1, score + 0.1] for score in of] for name, of in scores.items()},
        "ranks": {name: [[rank, max(rank - 1, 1), min(rank + 1, count)] for rank in ranks] for name in scores},
        "unsure": {},
        "tier": [1] * count,
        "ci": [[score - 0.1, score + 0.1] for score in first],
        "rank": ranks,
        "rank_best": [max(rank - 1, 1) for rank in ranks],
        "rank_worst": [min(rank + 1, count) for rank in ranks],
    }


def _rescored(job: Job) -> dict[str, Any]:
    of = job.params["of"]
    return {"problem": {**of, "test": {**of["test"], "y": job.inputs["problem"]}}}


def _chosen_again(job: Job) -> dict[str, Any]:
    corrected = {name: chance(job, name) for name in job.params["metrics"]}
    return {"corrected": corrected, "intervals": dict(job.params["intervals"]), "again": chance(job, "again")}


def _selected(job: Job) -> dict[str, Any]:
    members = _count(job, "oof")
    path = [int(members * chance(job, "pick", str(step))) for step in range(5)]
    held_out = job.params["without_fold"] is not None
    losses = [chance(job, "loss", str(step)) for step in range(5)] if held_out else []
    return {"path": path, "held_out": losses, "rows": 20 * held_out}


def _in_turn(job: Job) -> dict[str, Any]:
    asked = sorted({int(_count(job, "oof") * chance(job, "asked", str(place))) for place in range(3)})
    thresholds = [*_chances(job, "threshold", len(asked) - 1), 0.0]
    return {
        "asked": asked,
        "thresholds": thresholds,
        "asks": [1.0] * len(asked),
        "answers": [1 / len(asked)] * len(asked),
    }


def _souped(job: Job) -> dict[str, Any]:
    members, folds = len(job.params["models"]), job.params["models"][0]
    picks = [
        [i for i in range(members) if i == 0 or chance(job, "pick", str(fold), str(i)) > 0.5]
        for fold in range(folds + 1)
    ]
    return {"members": picks[0], "by_fold": picks[1:]}


def _trained_interval(job: Job) -> dict[str, Any]:
    names = [str(member) for member in range(len(job.params["seeds"]))]
    return {what: [chance(job, what, name) for name in names] for what in ("scores", "losses")}


def _chances(job: Job, what: str, count: int) -> list[float]:
    return [chance(job, what, str(i)) for i in range(count)]


def _prune(job: Job) -> dict[str, Any]:
    scores = _chances(job, "score", job.params["entrants"])
    return {"scores": scores, "stderr": [0.1] * len(scores), "worse": [score > min(scores) + 0.3 for score in scores]}


def _duels(job: Job) -> dict[str, Any]:
    def fought(number: int, rows: int) -> dict[str, Any]:
        outcomes = "".join(str(int(3 * chance(job, "row", str(number), str(row)))) for row in range(rows))
        return {"outcomes": outcomes, "mean": chance(job, "mean", str(number)) - 0.5, "stderr": 0.1}

    return {"by": "log_loss", "duels": [fought(number, pair[3]) for number, pair in enumerate(job.params["pairs"])]}


def _proposed(job: Job) -> dict[str, Any]:
    def drawn(trial: int, axis: int) -> float:
        kind, low, high, _ = job.params["forms"][axis]
        value = low + chance(job, "drawn", str(trial), str(axis)) * (high - low)
        return value if kind == "float" else round(value)

    axes = range(len(job.params["forms"]))
    return {"drawn": [[drawn(trial, axis) for axis in axes] for trial in range(job.params["count"])]}


_INVENTED: Mapping[str, Callable[[Job], dict[str, Any]]] = {
    "check": lambda _: {"predict_proba": True, "sample_weight": True, "one_by_one": [], "mergeable": True},
    "cascade": _in_turn,
    "ask": lambda job: {"asked": _chances(job, "asked", len(job.params["weights"]))},
    "architectures": lambda job: {"architectures": [["toy"] * count or None for count in job.params["models"]]},
    "choose_soup": _souped,
    "score": lambda job: {"score": chance(job, "score"), "stderr": chance(job, "stderr") / 10},
    "calibrate": lambda _: {"calibration": None, "decision": None},
    "select": _selected,
    "size": lambda job: {"bytes": [int(1e6 * share) for share in _chances(job, "size", len(job.params["models"]))]},
    "boost": lambda job: {"shares": _chances(job, "share", _count(job, "oof"))},
    "train_interval": _trained_interval,
    "propose": _proposed,
    "weigh": lambda job: {"weights": _chances(job, "weight", _count(job, "oof"))},
    "diagnose": lambda job: {"mistakes": {"rows": [int(100 * share) for share in _chances(job, "row", 3)]}},
    "importance": lambda _: {
        "columns": ["a", "b", "c"],
        "kinds": ["number", "text", "category"],
        "drop": [0.2, 0.1, 0.0],
    },
    "evaluate": _evaluated,
    "rank": _evaluated,
    "rescore": _rescored,
    "choice": _chosen_again,
    "credit": _credit,
    "attack": _attacked,
    "robustness": _contended,
    "evaluate_generators": _appraised,
    "rung": lambda job: {"rows": 10, "score": chance(job, "score"), "went_on": False},
    "prune": _prune,
    "duels": _duels,
    "count_votes": lambda job: {"battles": int(100 * chance(job, "battles"))},
    "rate": _rated,
}
"""By the kind of job."""
