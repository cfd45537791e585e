"""The jobs that make the models of alliances that have some of their own, fold by fold (`core.joins.Join.models`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from concours.compete.jobs import Fold, Jobs
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.lineage import lineage
from concours.core.process import Memo
from concours.core.seeds import derive_seed


@dataclass(frozen=True)
class Making:
    """What the model of a fold is made of.

    Attributes:
        jobs: of the alliance.
        fold: its number, or none for the whole training part.
        parents: of the joint, complete; `known` has them and all in them, by digest.
        prepared: what was prepared for its models, if anything was.
    """

    jobs: Jobs
    fold: Fold
    joint: Joint
    parents: Sequence[Candidate]
    known: Mapping[Digest, Candidate]
    prepared: Done | None

    @property
    def word(self) -> str:
        """The fold, for people and seeds."""
        return "all" if self.fold is None else f"fold {self.fold + 1}"

    @property
    def inputs(self) -> Mapping[str, Digest] | None:
        """What was prepared, by name."""
        return None if self.prepared is None else self.prepared.outputs

    def once(self, what: str, made_of: Any, make: Callable[[], Job]) -> Job:
        """A job, made once for what it reads."""
        return self.jobs.kept.once((what, self.fold), made_of, make)

    def model_of(self, parent: Candidate) -> Digest:
        """The model of a parent that was fitted on the same rows."""
        return parent.models[0] if self.fold is None else parent.fold_models[self.fold]

    def fitting(self, entrant: Entrant, code: Digest | None) -> Job:
        """The job that fits an entrant on the rows of the fold."""
        candidate = Candidate(entrant=entrant, code=code)
        return replace(self.jobs, candidate=candidate).fitting(self.fold, self.inputs)


Make = Callable[[Making, Memo], tuple[list[Job], bool]]
"""The jobs as far as they can be named, and whether the last of them makes the model."""


def merged(task: Making, state: Memo) -> tuple[list[Job], bool]:  # noqa: ARG001
    """Models of parents are merged."""
    return [task.jobs.merge(task.fold, task.joint, task.parents, task.prepared)], True


def taught(task: Making, state: Memo) -> tuple[list[Job], bool]:
    """Teachers say what they predict of the rows of the fit, and of others; then a student learns that."""
    models = [(parent.models, parent.fold_models) for parent in task.parents]
    teach = task.once("teach", models, lambda: _teach(task))
    said = state.done(teach)
    if not said:
        return [teach], False
    return [teach, task.once("distil", said.outputs, lambda: _distil(task, said))], True


def slimmed(task: Making, state: Memo) -> tuple[list[Job], bool]:  # noqa: ARG001
    """The model of the parent is made smaller, and goes on from there on the rows that it was fitted on."""
    model = task.model_of(task.parents[0])
    return [task.once("slim", model, lambda: _slim(task, model))], True


def _teach(task: Making) -> Job:
    """Teachers of a fold are the models of that fold, joined as its rows are: none has seen a row that it holds out."""
    problem, lessons = task.jobs.problem, task.joint.artifacts["lessons"]
    everybody = _of_fold(task)
    known = {one.entrant.digest: one for one in everybody.values()}
    heads = [everybody[digest] for digest in task.joint.parents]
    asked = {digest: one for head in heads for digest, one in lineage(head, known).items()}
    joints = (one.entrant.joint for one in asked.values() if one.entrant.joint and not one.entrant.joint.join.own)
    objects = [
        *(m for one in asked.values() for m in one.models),
        *(d for joint in joints for d in joint.needs.objects),
    ]
    given = {"unlabelled": lessons["unlabelled"]} if lessons["unlabelled"] else {}
    kept = {f"model{i}": digest for i, digest in enumerate(dict.fromkeys(objects))}
    return Job(
        runner="teach",
        inputs={"x": problem.train.x, **problem.dividing, **problem.train.weighing, **given, **kept},
        params={
            "fold": task.fold,
            "made": lessons["made"],
            "model": _plain(heads[0]),
            "parents": {digest: _plain(one) for digest, one in asked.items()},
            "heads": [head.entrant.digest for head in heads],
            "output": problem.output.told,
        },
        seed=derive_seed(task.jobs.seed, "teach", task.word),
        threads=task.jobs.threads,
        outputs=("soft", "rows") if lessons["made"] or given else ("soft",),
        label=f"{task.jobs.candidate.entrant.name}: teachers, {task.word}",
    )


def _of_fold(task: Making) -> dict[Digest, Candidate]:
    """All teachers as they are of the fold, by their digests on the board, parents before who joins them."""
    found: dict[Digest, Candidate] = {}
    for parent in task.parents:
        for digest, one in lineage(parent, task.known, asked=False).items():
            named = {before: candidate.entrant.digest for before, candidate in found.items()}
            found.setdefault(digest, one.of_fold(task.fold, named))
    return found


def _plain(one: Candidate) -> dict[str, Any]:
    """What of a candidate decides its predictions, as JSON: nothing that was measured."""
    entrant = one.entrant.to_json()
    if joint := entrant["joint"]:
        joint["artifacts"] |= {name: [] for name in ("curve", "chosen") if name in joint["artifacts"]}
    return {"entrant": entrant, "models": list(one.models), **({"code": one.code} if one.code else {})}


def _distil(task: Making, said: Done) -> Job:
    """As the job that fits the student, with what its teachers said."""
    student, lessons = task.joint.artifacts["student"], task.joint.artifacts["lessons"]
    entrant = Entrant(name=task.jobs.candidate.entrant.name, recipe=student["recipe"], params=student["params"])
    fit = task.fitting(replace(entrant, prepare=task.jobs.candidate.entrant.prepare), student["code"])
    prepared = task.inputs or {}
    transformer = {"transformer": prepared["transformer"]} if "rows" in said.outputs and prepared else {}
    return replace(
        fit,
        runner="distil",
        inputs={**fit.inputs, **transformer, **said.outputs},
        params={**fit.params, **{name: lessons[name] for name in ("temperature", "mix", "made")}},
        seed=derive_seed(task.jobs.seed, digest_json(dict(student)), "distil", task.word),
        outputs=tuple(dict.fromkeys([*fit.outputs, "model"])),
    )


def _slim(task: Making, model: Digest) -> Job:
    """As the job that fitted the parent, with its model."""
    parent = task.parents[0]
    fit = task.fitting(parent.entrant, parent.code)
    how = dict(task.joint.artifacts["slimmed"])
    return replace(
        fit,
        runner="slim",
        inputs={**fit.inputs, "model0": model},
        params={**fit.params, "slimmed": how},
        seed=derive_seed(task.jobs.seed, parent.entrant.digest, "slim", digest_json(how), task.word),
        outputs=tuple(dict.fromkeys([*fit.outputs, "model"])),
        label=f"{task.jobs.candidate.entrant.name}: {task.word}",
    )
