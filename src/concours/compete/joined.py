"""The jobs that join parents' kept predictions for the board, by way to join (`core.joins.Join.fit`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.needed import meta_learners
from concours.core.problem import Problem
from concours.core.registry import load
from concours.core.seeds import derive_seed


def joined(
    problem: Problem,
    entrant: Entrant,
    joint: Joint,
    parents: Sequence[Candidate],
    threads: int,
    made: Sequence[Done] = (),
) -> Job:
    """The job that joins the predictions of parents, which are complete, as their alliance does.

    Args:
        made: how the jobs `before` ended; what they yielded it gets as inputs `made0_oof`, ….
    """
    inputs = {**_predictions(problem, parents), **(_rows(problem) if _reads_rows(joint) else {})}
    inputs |= _models(parents) if joint.join.of_models else {}
    for place, done in enumerate(made):
        inputs |= {f"made{place}_{part}": digest for part, digest in done.outputs.items()}
    job: Job = load(joint.join.fit)(entrant, joint, inputs, threads)
    return _of_problem(problem, replace(job, label=f"{entrant.name}: blend"))


def before(problem: Problem, entrant: Entrant, joint: Joint, threads: int) -> list[Job]:
    """The jobs that come before an alliance is joined; none of most ways."""
    if not joint.join.before:
        return []
    inputs = {**_rows(problem), "folds": problem.folds}
    return [_of_problem(problem, job) for job in load(joint.join.before)(entrant, joint, inputs, threads)]


def by_weights(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By the weights of each fold its rows, and by those of new rows the test part."""
    fold_weights = [list(weights) for weights in joint.fold_weights]
    how = {"weights": list(joint.weights), "fold_weights": fold_weights, "rule": entrant.recipe}
    return Job(runner="blend", inputs=inputs, params=how)


def by_asking(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By the thresholds of each fold its rows, and by those of new rows the test part."""
    return Job(runner="ask", inputs=inputs, params=_kept(joint, "asked", "thresholds", "scorers"))


def by_selecting(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By the scorers of each fold its rows, and by those of new rows the test part."""
    return Job(runner="pick", inputs=inputs, params=_kept(joint, "scorers"))


def by_routing(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By the router and the handicaps of each fold its rows, and by those of new rows the test part."""
    kept, routers = joint.artifacts, {f"model{fold}": m for fold, m in enumerate(meta_learners(joint, by_fold=True))}
    how = {
        "weights": list(joint.weights),
        "fold_weights": [list(weights) for weights in joint.fold_weights],
        "handicaps": list(kept["handicaps"]),
        "fold_handicaps": [list(row) for row in kept["fold_handicaps"]],
    }
    inputs = {**inputs, **routers, "model": kept["model"]}
    return Job(runner="send", inputs=inputs, params=how, threads=threads)


def by_talking(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By asking again whom can be asked, with what others say; the test part first."""
    kept = joint.artifacts
    how = {"how": joint.how, "rounds": kept["rounds"], "last": kept["last"], "fold_last": list(kept["fold_last"])}
    return Job(runner="talk", inputs=inputs, params=how, threads=threads)


def by_meta_learners(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By the meta-learner of each fold its rows, and by that of new rows the test part."""
    learners = {f"model{fold}": model for fold, model in enumerate(meta_learners(joint, by_fold=True))}
    (model,) = meta_learners(joint, by_fold=False)
    return Job(runner="meta_learner", inputs={**inputs, **learners, "model": model}, threads=threads)


def meeting(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> list[Job]:
    """A team meets each of the field anew, a vote on each move: from openings of a fold by its weights, and from those
    that judge by those of new rows.
    """
    members = {f"member{place}": agent for place, agent in enumerate(joint.artifacts["agents"])}
    return [
        Job(
            runner="meet_jointly",
            inputs={**inputs, **members, "opponent": agent},
            params={"weights": list(joint.weights), "fold_weights": [list(weights) for weights in joint.fold_weights]},
            threads=threads,
            seed=derive_seed(0, entrant.digest, "meet"),
            label=f"{entrant.name}: match {number} of {len(joint.artifacts['field'])}",
        )
        for number, agent in enumerate(joint.artifacts["field"], 1)
    ]


def by_playing(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By counting what the team's matches came to."""
    field = range(len(joint.artifacts["field"]))
    points = {
        f"{part}{place}": digest
        for place in field
        for part in ("oof", "test")
        if (digest := inputs.get(f"made{place}_{part}"))
    }
    return Job(runner="count_results", inputs=points, params={"place": None, "field": len(field)})


def as_sites_say(entrant: Entrant, joint: Joint, inputs: dict[str, Digest], threads: int) -> Job:  # noqa: ARG001
    """By what each site has said of its own rows."""
    said = {
        f"{part}_at_home": digest for part, digest in zip(("oof", "test"), joint.artifacts["at_home"], strict=False)
    }
    return Job(runner="as_sites_say", inputs=said)


def _reads_rows(joint: Joint) -> bool:
    return bool(joint.join.of_rows or joint.artifacts.get("scorers"))


def _of_problem(problem: Problem, job: Job) -> Job:
    """A job that knows the output, and yields predictions of both parts."""
    params = {**job.params, "output": problem.output.told}
    return replace(job, params=params, outputs=("oof", "test") if problem.test else ("oof",))


def _kept(joint: Joint, *names: str) -> dict[str, Any]:
    """Artifacts, those for new rows and those of the folds."""
    kept = dict(joint.artifacts)
    return {each: kept[each] for name in names for each in (name, f"fold_{name}") if each in kept}


def _rows(problem: Problem) -> dict[str, Digest]:
    return {"x": problem.train.x, **({"test_x": problem.test.x} if problem.test else {})}


def _models(parents: Sequence[Candidate]) -> dict[str, Digest]:
    """Of those that can be asked in words."""
    return {f"model{i}": p.models[0] for i, p in enumerate(parents) if p.entrant.had.calls and p.models}


def _predictions(problem: Problem, parents: Sequence[Candidate]) -> dict[str, Digest]:
    inputs = {f"oof{index}": parent.oof for index, parent in enumerate(parents)}
    if problem.test:
        inputs |= {f"test{index}": parent.test for index, parent in enumerate(parents)}
    if missing := [name for name, digest in inputs.items() if digest is None]:
        raise ValueError(f"these predictions are not there yet: {', '.join(missing)}")
    return {**{name: digest for name, digest in inputs.items() if digest}, "folds": problem.folds}
