"""What hosts do with a competition: check, publish, close, export it; give another truth; run an entry again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

from fastapi import Query
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from concours.server.services import exports, files, publishing, rescoring
from concours.server.services.access import Rule
from concours.server.services.editing import Declared
from concours.server.services.rescoring import Correction, Rescore
from concours.server.web.receiving import BODY, Received
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")

_OF: Final = "/competitions/{competition}"


class Again(BaseModel):
    """submission: the number of the new one."""

    submission: int


@ROUTES.post(f"{_OF}/check", Rule.HOST)
def check(asked: InCompetition) -> Declared:
    """Has a draft's data read; what it says is in the settings then."""
    return publishing.check(asked.db, asked.access)


@ROUTES.post(f"{_OF}/publish", Rule.HOST)
def publish(asked: InCompetition) -> Declared:
    """From now on its readers see it, and its phases begin at their dates."""
    return publishing.publish(asked.db, asked.access)


@ROUTES.post(f"{_OF}/close", Rule.HOST)
def close(asked: InCompetition) -> Declared:
    """Ends a competition before its dates."""
    return publishing.close(asked.db, asked.access)


@ROUTES.post(f"{_OF}/archive", Rule.HOST)
def archive(asked: InCompetition) -> Declared:
    """Nothing of it changes any more."""
    return publishing.archive(asked.db, asked.access)


@ROUTES.get(f"{_OF}/export", Rule.HOST, response_class=FileResponse)
def export(asked: InCompetition) -> FileResponse:
    """All that is left of a competition that has ended, as a zip file."""
    aside = asked.platform.settings.data / "tmp"
    aside.mkdir(parents=True, exist_ok=True)
    handle, place = tempfile.mkstemp(dir=aside, suffix=".zip")
    os.close(handle)
    to = Path(place)
    try:
        exports.export(asked.db, asked.access, asked.platform.store, to, secret=asked.platform.settings.secret())
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return FileResponse(
        to,
        media_type="application/zip",
        filename=f"{asked.access.competition.slug}.zip",
        headers={"cache-control": "private, no-store"},
        background=BackgroundTask(to.unlink, missing_ok=True),
    )


@ROUTES.get(f"{_OF}/corrections", Rule.HOST)
def list_corrections(asked: InCompetition) -> tuple[Correction, ...]:
    """What was given in place of truth or metrics, and what became of it."""
    return rescoring.corrections(asked.db, asked.access)


@ROUTES.post(f"{_OF}/corrections", Rule.HOST, status_code=202, uploads=True, openapi_extra=BODY)
def correct(
    asked: Received,
    why: Annotated[str, Query(max_length=2000)],
    path: Annotated[str, Query(max_length=300)] = "",
    metric: Annotated[tuple[str, ...], Query(max_length=20)] = (),
) -> Correction:
    """Asks for a rescore by another file of the truth, which is the body of the request, by other metrics, or both."""
    store = asked.platform.store
    given = {path: files.keep(store, asked.content, asked.platform.settings.upload_bytes)} if path else {}
    with asked.writing_in() as by:
        return rescoring.correct(by.db, by.access, why=why, files=given, metrics=metric)


@ROUTES.get(f"{_OF}/rescores", Rule.READER)
def list_rescores(asked: InCompetition) -> tuple[Rescore, ...]:
    """How boards were scored anew, why, and who moved."""
    return rescoring.rescores(asked.db, asked.access)


@ROUTES.post(f"{_OF}/submissions/{{id}}/again", Rule.HOST, status_code=201)
def run_again(asked: InCompetition, id: int) -> Again:
    """Runs a submission again, as a new one that does not count."""
    return Again(submission=rescoring.run_again(asked.db, asked.access, id))
