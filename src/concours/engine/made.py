"""Whether a kept model is what it is taken for: its manifest names the job that made it."""

from __future__ import annotations

import json

from concours.core.digests import Digest
from concours.core.entrant import Candidate, begins_from
from concours.core.errors import ConcoursError, RunFolderError
from concours.core.job import Job
from concours.core.ports import Store
from concours.stores.blobs import get_bundle

_MANIFEST = "manifest.json"
_ALWAYS = ("transformer", "code")
_ROWS = ("x", "y", "folds", "spans", "weights")


def made_by(job: Job, model: Digest, store: Store) -> bool:
    """Whether a model says that this job made it; true of what is no model of an entrant, and says nothing."""
    try:
        files = get_bundle(store, model)
        return _MANIFEST not in files or Job.from_json(json.loads(files[_MANIFEST])["job"]).digest == job.digest
    except ConcoursError:  # damaged, or no bundle: others say so
        return True
    except (ValueError, TypeError, KeyError):
        return False


def require_made_for(job: Job, candidate: Candidate) -> None:
    """Refuses a model whose job did not make it for this candidate, by its recipe, parameters and code.

    Raises:
        RunFolderError: another made it.
    """
    name = candidate.entrant.name
    if job.runner not in _MAKERS or not _MAKERS[job.runner](job, candidate):
        raise RunFolderError(
            f"a model of {name} was not fitted by the recipe of {name}: somebody has changed the folder; run the "
            "contest again, which makes it anew"
        )


def _fitted(job: Job, candidate: Candidate) -> bool:
    entrant, params = candidate.entrant, job.params
    of_entrant = params.get("recipe") == entrant.recipe and params.get("params") == dict(entrant.params)
    return of_entrant and job.inputs.get("code") == candidate.code


def _trained_on(job: Job, candidate: Candidate) -> bool:
    """Training on attacked rows goes on from any network; the entrant says how far the rows were changed."""
    return candidate.entrant.params.get("hardened") == {"epsilon": job.params.get("epsilon")}


def _merged(job: Job, candidate: Candidate) -> bool:
    """What it was merged of the job's inputs say; with which weights, the joint."""
    joint, params = candidate.entrant.joint, job.params
    if joint is None or not joint.join.alike:
        return False
    told = [list(params.get("weights", ())), [list(row) for row in params.get("fold_weights", ())]]
    same = [params.get(name) == joint.to_json()["artifacts"].get(name) for name in ("mix", "fold_mixes")]
    return all(same) and told == [list(joint.weights), [list(row) for row in joint.fold_weights]]


def _taught(job: Job, candidate: Candidate) -> bool:
    """The joint says who learned; by whom it was taught the inputs say."""
    joint, student = candidate.entrant.joint, {name: job.params.get(name) for name in ("recipe", "params")}
    return joint is not None and joint.artifacts.get("student") == {**student, "code": job.inputs.get("code")}


def _slimmed(job: Job, candidate: Candidate) -> bool:
    """The joint says how; what was made smaller the inputs say."""
    joint = candidate.entrant.joint
    return joint is not None and joint.artifacts.get("slimmed") == job.params.get("slimmed")


_MAKERS = {
    "fit": _fitted,
    "ask_frozen": _fitted,
    "ask_in_words": _fitted,
    "train_on_attacks": _trained_on,
    "merge": _merged,
    "distil": _taught,
    "slim": _slimmed,
}
"""By the kind of a job that makes models: whether it made one for a candidate."""


def needed_by(model: Digest, store: Store) -> set[Digest]:
    """What predicting with a model reads: itself, its preparation, and the rows for it, if it is fitted again or shows
    them before a question.

    What is no model of an entrant, a meta-learner, is read by itself.
    """
    files = get_bundle(store, model)
    if _MANIFEST not in files:
        return {model}
    manifest = json.loads(files[_MANIFEST])
    inputs = manifest["job"]["inputs"]
    names = (*_ALWAYS, *(_ROWS if manifest["format"] in ("refit", "frozen") else ()))
    begun = begins_from(manifest["job"]["params"].get("params", {})) if manifest["format"] == "weights" else None
    return {model, *(inputs[name] for name in names if name in inputs), *([begun] if begun else [])}
