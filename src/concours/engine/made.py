"""Whether a kept model is what it is taken for: its manifest names the job that made it."""

from __future__ import annotations

import json

from concours.commons.blobs import get_bundle
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, RunFolderError
from concours.core.job import Job
from concours.core.ports import Store

_MANIFEST = "manifest.json"


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
    named = (params.get("recipe"), params.get("params"), job.inputs.get("code"))
    if job.kind != "fit" or named != (entrant.recipe, dict(entrant.params), candidate.code):
        raise RunFolderError(
            f"a model of {entrant.name} was not fitted by the recipe of {entrant.name}: somebody has changed the "
            "folder; run the contest again, which makes it anew"
        )
