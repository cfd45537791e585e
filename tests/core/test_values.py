"""The values that everything else speaks in: they are values, and their digests cover what counts."""

from __future__ import annotations

import dataclasses

import pytest

from concours.core.digests import canonical_json, digest_bytes, digest_json
from concours.core.entrant import Entrant
from concours.core.errors import nearest
from concours.core.event import Cost, Done, Failed, Tick, event_from_json, event_to_json
from concours.core.job import Job
from concours.core.kind import Input, Output
from concours.core.optional import install_command, installed
from concours.core.problem import Goal, Part, Problem
from concours.core.registry import load
from concours.core.seeds import derive_seed


def test_canonical_json_has_one_form():
    """Equal values have equal bytes, whatever the order of keys; what JSON has no form for is refused."""
    assert canonical_json({"b": 1, "a": [1.5, None]}) == b'{"a":[1.5,null],"b":1}'
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(float("nan"))


def test_seeds_are_stable():
    """Seeds never change between releases: a saved contest would get other results."""
    assert derive_seed(0, "fit", 1) == 1845427746
    assert len({derive_seed(0, "a", i) for i in range(1000)}) == 1000
    assert 0 <= derive_seed(7, "x") < 2**31


def test_entrants_are_values():
    """The name and the folder of a file do not count; recipe, parameters and preparation do."""
    entrant = Entrant("a", "sklearn.svm:SVC", {"C": 1.0})
    assert entrant.digest == Entrant("b", "sklearn.svm:SVC", {"C": 1.0}).digest
    assert Entrant("a", "./x/mine.py:M").digest == Entrant("a", "mine.py:M").digest
    others = [
        Entrant("a", "sklearn.svm:SVR"),
        Entrant("a", "sklearn.svm:SVC", {"C": 2.0}),
        Entrant("a", "sklearn.svm:SVC", {"C": 1.0}, "none"),
    ]
    assert len({entrant.digest, *(other.digest for other in others)}) == 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        entrant.name = "b"
    with pytest.raises(TypeError):
        entrant.params["C"] = 3


def test_jobs_are_values():
    """A job is what is to be done, not how it is called; it survives JSON."""
    job = Job(runner="fit", inputs={"x": "sha256:1"}, params={"a": 1}, seed=3, outputs=("model",), label="svm")
    assert Job(**job.to_json()) == job
    assert dataclasses.replace(job, label="other").digest == job.digest
    changes = [{"runner": "x"}, {"inputs": {}}, {"params": {}}, {"seed": 4}, {"threads": 2}, {"outputs": ()}]
    assert len({job.digest, *(dataclasses.replace(job, **change).digest for change in changes)}) == 7


@pytest.mark.parametrize(
    "event",
    [
        Done(
            job=digest_json("j"),
            outputs={"model": digest_json("m")},
            values={"w": [1, 2]},
            cost=Cost(wall_s=1.5, phases={"fit": 1.0}),
        ),
        Failed(job=digest_json("j"), cause="out_of_time", reason="slow", limit=3.0),
        Tick(elapsed_s=2.5),
    ],
)
def test_events_survive_json(event):
    """What the journal keeps comes back equal."""
    assert event_from_json(event_to_json(event)) == event


EVENTS = {
    "done": event_to_json(Done(job=digest_json("j"), outputs={"a": digest_json("a")}, values={"x": 1})),
    "failed": event_to_json(Failed(job=digest_json("j"), cause="crash", reason="why", limit=3.0)),
    "tick": event_to_json(Tick(elapsed_s=1.0)),
}
NAMED, PATH = {"a": "/etc/passwd"}, {"a": f"sha256:xx{'/' * 62}"}
WRONG = [None, "text", 7, [], {}, NAMED, PATH, float("nan"), True, "sha256:"]
RIGHT = {"outputs": [[], {}], "values": [[], {}, NAMED, PATH], "cost": [{}], "limit": [None, 7], "elapsed_s": [7]}
RIGHT["reason"] = ["text", "sha256:"]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, event in EVENTS.items() for name in event])
def test_what_is_no_event_is_refused(kind, name, wrong):
    """A journal may come from anybody: each field is of the form that it should have, or there is no event."""
    value = {**EVENTS[kind], name: wrong}
    if any(wrong == right and type(wrong) is type(right) for right in RIGHT.get(name, [])):
        event_from_json(value)
    else:
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            event_from_json(value)


def test_what_is_tried_again():
    """Limits and environments change; an exception of the entrant's own does not."""
    causes = {"out_of_time": True, "out_of_memory": True, "missing_package": True, "exception": False, "crash": False}
    causes |= {"lost_input": True, "harm": True}
    assert {cause: Failed(job=digest_json("j"), cause=cause, reason="").retryable for cause in causes} == causes


def test_problems_survive_json():
    """A problem comes back equal, and its digest leaves out its name only."""
    part = Part(x=digest_bytes(b"x"), y=digest_bytes(b"y"), ids=digest_bytes(b"i"), rows=3)
    problem = Problem(
        name="n", kind="k", input=Input(name="i"), output=Output(name="o", estimator="classifier", joins=("mean",), labels=("a", "b")), metrics=(Goal(name="accuracy", greater_is_better=True),),
        train=part, folds=digest_bytes(b"f"), n_folds=2, test=None,
    )  # fmt: skip
    assert Problem.from_json(problem.to_json()) == problem
    assert dataclasses.replace(problem, name="m").digest == problem.digest
    assert dataclasses.replace(problem, test=part).digest != problem.digest


def test_nearest_names():
    """A wrong name leads to the right one, whatever its case; all are listed."""
    assert nearest("Acuracy", ["accuracy", "rmse"]) == "did you mean 'accuracy'? known: accuracy, rmse"
    assert nearest("zzz", ["a"]) == "known: a"


def test_optional_packages():
    """What is missing is told with the command that brings it: an extra of ours where there is one."""
    assert installed("json")
    assert not installed("no_such_package")
    assert install_command("torch") == "pip install 'concours[torch]'"
    assert install_command("no_such_package") == "pip install no_such_package"


def test_references_are_followed_when_used():
    """A runner is named by a text and imported where it runs."""
    assert load("math:sqrt")(9) == 3
    with pytest.raises(ValueError, match="module:attribute"):
        load("math.sqrt")
