"""Whether a kept model is what it is taken for: its manifest names the job that made it."""

from __future__ import annotations

import json

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, RunFolderError
from concours.core.job import Job
from concours.core.ports import Store
from concours.stores.blobs import get_bundle

_MANIFEST = "manifest.json"
_ALWAYS = ("transformer", "code")
_REFIT = ("x", "y", "folds", "weights")
_HARDENED = "hardened"
"""The parameter of an entrant that was trained on, on attacked rows, after its fit."""


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
    """Refuses a model whose job did not fit this candidate, by its recipe, parameters and code.

    Raises:
        RunFolderError: another made it.
    """
    entrant, params = candidate.entrant, job.params
    own = [dict(entrant.params)]
    if _HARDENED in entrant.params:
        own.append({name: value for name, value in entrant.params.items() if name != _HARDENED})
    trained_on = len(own) > 1 and job.kind == "train_on_attacks"
    fitted = job.kind == "fit" and params.get("recipe") == entrant.recipe and params.get("params") in own
    if not trained_on and not (fitted and job.inputs.get("code") == candidate.code):
        raise RunFolderError(
            f"a model of {entrant.name} was not fitted by the recipe of {entrant.name}: somebody has changed the "
            "folder; run the contest again, which makes it anew"
        )


def needed_by(model: Digest, store: Store) -> set[Digest]:
    """What predicting with a model reads: itself, its preparation, and, if it is fitted again, the rows for that."""
    manifest = json.loads(get_bundle(store, model)[_MANIFEST])
    inputs = manifest["job"]["inputs"]
    names = (*_ALWAYS, *(_REFIT if manifest["format"] == "refit" else ()))
    return {model, *(inputs[name] for name in names if name in inputs)}
