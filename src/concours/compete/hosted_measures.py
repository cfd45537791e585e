"""How a hosted board scores, by a problem's rows or by a host's own program: which jobs do it, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from concours.compete.hosted_board import Result, Score, Scoring
from concours.compete.uploads import Upload
from concours.core.digests import Digest
from concours.core.event import Done
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.own_scoring import OwnScoring
from concours.core.problem import Part as Rows
from concours.core.problem import Problem
from concours.core.seeds import derive_seed
from concours.core.written import written

Part = Literal["public", "rest"]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a file of predictions calls its rows and columns.

    Attributes:
        names: the ids of the test part's rows, as they are written, in their order: texts in the store; none where rows
            have no ids, and are told by their order.
        id, target: the columns of the task that have these, where they have names.
    """

    names: Digest | None = None
    id: str | None = None
    target: str | None = None


class Measure(Protocol):
    """What is asked of either way to score."""

    @property
    def takes(self) -> tuple[str, ...]:
        """What entries may bring."""
        ...

    def received(self, sent: Digest | Upload) -> Job | None:
        """The job that makes predictions of what was sent; none where it is scored as it is."""
        ...

    def score(self, result: Result) -> Job:
        """The job that scores one entry while the board is open."""
        ...

    def told(self, event: Done) -> Score:
        """What such a job says."""
        ...

    def private(self, result: Result) -> Job | None:
        """The job that scores one final in the end; none where ranking does."""
        ...

    def rank(self, entered: Sequence[Entered], part: Part) -> Job:
        """The job that ranks entries together."""
        ...

    def climb(self, before: Result, after: Result) -> Job | None:
        """The job that says whether one entry is better than another beyond chance; none where nothing tells."""
        ...

    @property
    def apart(self) -> bool:
        """Whether some rows, or another truth, are kept for the end."""
        ...

    def watch(self, results: Sequence[Result]) -> Job | None:
        """The job that says which entries predict alike; none where there is nothing to tell that by."""
        ...

    def ally(self, entered: Sequence[Entered], part: Part, best: int) -> Job | None:
        """The job that joins entries, of which one scores best alone; none where there is nothing to join them by."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entered:
    """One that is ranked: what it predicts, how it scored, and which side it is of, by a number; none of a baseline."""

    result: Result
    score: Score
    side: int | None


@dataclass(frozen=True, kw_only=True)
class ByRows:
    """By the rows of a problem's test part, some of which are public."""

    problem: Problem
    sheet: Sheet
    seed: int
    threads: int

    takes = ("predictions", "file", "program", "recipe")

    def received(self, sent: Digest | Upload) -> Job:
        test, output = test_of(self.problem), self.problem.output
        if not isinstance(sent, Upload):
            params = {"rows": test.rows, "output": output.told}
            inputs = {"predictions": sent}
            return Job(runner="receive", inputs=inputs, params=params, outputs=("test",), label=f"receive {sent[7:19]}")
        named = {"names": self.sheet.names} if self.sheet.names else {}
        return Job(
            runner="receive_file",
            inputs={"file": sent.file, **named},
            params={
                **self.problem.measuring(1),
                "rows": test.rows,
                "called": sent.called,
                "labels": [written(label) for label in output.labels],
                "id": self.sheet.id,
                "target": self.sheet.target,
            },
            outputs=("test",),
            label=f"receive {sent.called} {sent.file[7:19]}",
        )

    def score(self, result: Result) -> Job:
        what = f"score {(result.predictions or '')[7:19]}: public rows"
        return self._ranking([result], "public", what, {"alone": True})

    def told(self, event: Done) -> Score:
        values = {key: {name: of[0] for name, of in event.values[key].items()} for key in ("scores", "intervals")}
        unsure = {name: of[0] for name, of in event.values["unsure"].items() if of[0]}
        return Score(metrics=values["scores"], intervals=values["intervals"], unsure=unsure)

    def private(self, result: Result) -> None:
        """In the end all are scored together."""

    def rank(self, entered: Sequence[Entered], part: Part) -> Job:
        what = f"rank {len(entered)} entries: {'public rows' if part == 'public' else 'the rest'}"
        sides = [one.side for one in entered]
        return self._ranking([one.result for one in entered], part, what, {"alone": False, "sides": sides})

    @property
    def apart(self) -> bool:
        return self.problem.public is not None

    def ally(self, entered: Sequence[Entered], part: Part, best: int) -> Job:
        train = self.problem.train
        known = {"train_y": train.y, **({"train_weights": train.weights} if train.weights else {})}
        return Job(
            runner="ally",
            inputs={**self._judged([one.result for one in entered]), **known},
            params={**self._judging([one.result for one in entered], part), "best": best},
            seed=derive_seed(self.seed, "alliance"),
            threads=self.threads,
            label=f"ally {len(entered)} teams: {'public rows' if part == 'public' else 'the rest'}",
        )

    def climb(self, before: Result, after: Result) -> Job:
        what = f"climb {(after.predictions or '')[7:19]}: public rows"
        return replace(self._ranking([before, after], "public", what, {}), runner="climb")

    def watch(self, results: Sequence[Result]) -> Job:
        return Job(
            runner="watch",
            inputs=self._judged(results),
            params=self._judging(results, "public"),
            seed=derive_seed(self.seed, "watch"),
            threads=self.threads,
            label=f"watch {len(results)} teams: public rows",
        )

    def _ranking(self, results: Sequence[Result], part: Part, what: str, how: Mapping[str, Any]) -> Job:
        return Job(
            runner="rank",
            inputs=self._judged(results),
            params={**self._judging(results, part), **how},
            seed=derive_seed(self.seed, "judge"),
            threads=self.threads,
            label=what,
        )

    def _judged(self, results: Sequence[Result]) -> dict[str, Digest]:
        test, public = test_of(self.problem), self.problem.public
        predictions = {f"predictions{i}": result.predictions for i, result in enumerate(results) if result.predictions}
        return {"y": test.y, **test.counting, **({"public": public} if public else {}), **predictions}

    def _judging(self, results: Sequence[Result], part: Part) -> dict[str, Any]:
        decisions = [result.decision and dict(result.decision) for result in results]
        return {**self.problem.measuring(), "decisions": decisions, "part": part}


@dataclass(frozen=True, kw_only=True)
class ByProgram:
    """By a host's own program, which gives numbers by their names and knows nothing of rows."""

    scoring: OwnScoring

    takes = ("file", "program")

    def received(self, sent: Digest | Upload) -> None:
        """A file is scored as it is."""

    def score(self, result: Result) -> Job:
        return self._run(result, self.scoring.truth)

    def told(self, event: Done) -> Score:
        metrics = {goal.name: _number(event.values.get(goal.name)) for goal in self.scoring.metrics}
        unsure = {name: f"the scorer gave no number called {name}" for name, value in metrics.items() if value is None}
        return Score(metrics=metrics, unsure=unsure)

    def private(self, result: Result) -> Job | None:
        return self._run(result, self.scoring.rest) if self.scoring.rest else None

    def rank(self, entered: Sequence[Entered], part: Part) -> Job:
        return Job(
            runner="rank_scores",
            params={
                "goals": [[goal.name, goal.greater_is_better] for goal in self.scoring.metrics],
                "scores": [dict(one.score.metrics) for one in entered],
                "sides": [one.side for one in entered],
                "part": part,
            },
            label=f"rank {len(entered)} entries: {'public truth' if part == 'public' else 'the rest'}",
        )

    @property
    def apart(self) -> bool:
        return self.scoring.rest is not None

    def climb(self, before: Result, after: Result) -> None:
        """Nothing is known of rows."""

    def ally(self, entered: Sequence[Entered], part: Part, best: int) -> None:
        """Nothing is known of rows."""

    def watch(self, results: Sequence[Result]) -> None:
        """Nothing is known of rows."""

    def _run(self, result: Result, truth: Digest) -> Job:
        upload = result.file
        assert upload is not None  # noqa: S101 (for the type checker)
        return Job(
            runner="run_scorer",
            inputs={"scorer": self.scoring.scorer, "truth": truth, "file": upload.file},
            params={**self.scoring.params, "called": upload.called},
            label=f"score {upload.called} {upload.file[7:19]}",
            needs=Needs(sandbox=True),
        )


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """What a program that somebody sent is run with.

    Attributes:
        files: what it may read, the phase's public data, by their paths.
        ingestion: a program of the host's that runs it, where there is one.
        params: what else the job is told, as JSON: its limits.
    """

    files: Mapping[str, Digest] = field(default_factory=lambda: frozen({}))
    ingestion: Digest | None = None
    params: Mapping[str, Any] = field(default_factory=lambda: frozen({}))

    def run(self, program: Upload, *, seed: int) -> Job:
        """The job that runs one, and keeps the file that it wrote."""
        given = {f"public/{path}": digest for path, digest in self.files.items()}
        own = {"ingestion": self.ingestion} if self.ingestion else {}
        return Job(
            runner="run_submission",
            inputs={"program": program.file, **own, **given},
            params={**self.params, "called": program.called},
            seed=derive_seed(seed, "submitted"),
            outputs=("file",),
            label=f"run {program.called} {program.file[7:19]}",
            needs=Needs(sandbox=True),
        )


def measure_of(scoring: Scoring, *, sheet: Sheet, seed: int, threads: int) -> Measure:
    """How it is scored by a problem, or by a host's own program."""
    if isinstance(scoring, OwnScoring):
        return ByProgram(scoring=scoring)
    return ByRows(problem=scoring, sheet=sheet, seed=seed, threads=threads)


def test_of(problem: Problem) -> Rows:
    """The part that entries are scored on.

    Raises:
        ValueError: there is none.
    """
    if problem.test is None:
        raise ValueError(f"a hosted board scores entries by the test part, and {problem.name!r} has none")
    return problem.test


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
