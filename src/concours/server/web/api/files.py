"""The files of a competition: up, down, away; a whole folder as an archive; and its pages."""

from __future__ import annotations

from fastapi.responses import Response
from pydantic import BaseModel

from concours.server.services import files, folders
from concours.server.services.access import Rule
from concours.server.services.editing import Declared
from concours.server.services.files import File
from concours.server.web.receiving import BODY, Received
from concours.server.web.routes import InCompetition, Routes
from concours.server.web.sending import sent

ROUTES = Routes("/api")


class Written(BaseModel):
    """A page. file: of `pages/`; by default that of the page of this title, or a new one. rules: whether whoever joins
    has to accept it; by default as before.
    """

    title: str
    text: str
    file: str = ""
    rules: bool | None = None


@ROUTES.post("/folders", Rule.SIGNED_IN, scope="host", status_code=201, uploads=True, openapi_extra=BODY)
def create_from_folder(asked: Received) -> Declared:
    """A draft from a zip archive of a competition's folder, which is the body of the request."""
    store = asked.platform.store
    most = asked.platform.settings.upload_bytes
    with (
        folders.brought(asked.path, store, aside=asked.aside, most=most) as (competition, kept),
        asked.writing() as by,
    ):
        return folders.create(by.db, by.actor, store, competition, kept)


@ROUTES.put("/competitions/{competition}/folder", Rule.HOST, uploads=True, openapi_extra=BODY)
def replace_by_folder(asked: Received) -> Declared:
    """A draft is what an archive declares from now on, with its files and no others."""
    store = asked.platform.store
    most = asked.platform.settings.upload_bytes
    with (
        folders.brought(asked.path, store, aside=asked.aside, most=most) as (competition, kept),
        asked.writing_in() as by,
    ):
        return folders.replace(by.db, by.access, store, competition, kept)


@ROUTES.get("/competitions/{competition}/files", Rule.HOST)
def list_files(asked: InCompetition) -> tuple[File, ...]:
    """All files of the competition's folder."""
    return files.listed(asked.db, asked.access)


@ROUTES.get("/competitions/{competition}/files/{path:path}", Rule.READER, response_class=Response)
def get_file(asked: InCompetition, path: str) -> Response:
    """A file: of `data/` for members, of `pages/` for whoever reads the competition, all others for hosts."""
    file = files.fetched(asked.db, asked.access, path)
    return sent(asked.request, asked.platform.store, file.digest, path)


@ROUTES.put(
    "/competitions/{competition}/files/{path:path}",
    Rule.HOST,
    status_code=204,
    uploads=True,
    openapi_extra=BODY,
)
def put_file(asked: Received, path: str) -> None:
    """Puts a file there, which is the body of the request, or another in its place."""
    store = asked.platform.store
    kept = files.keep(store, asked.content, asked.platform.settings.upload_bytes)
    with asked.writing_in() as by:
        files.put(by.db, by.access, store, path, kept)


@ROUTES.delete("/competitions/{competition}/files/{path:path}", Rule.HOST, status_code=204)
def delete_file(asked: InCompetition, path: str) -> None:
    """Takes a file away."""
    files.remove(asked.db, asked.access, asked.platform.store, path)


@ROUTES.put("/competitions/{competition}/pages", Rule.HOST, status_code=204)
def write_page(asked: InCompetition, page: Written) -> None:
    """Writes a page in Markdown; a new one comes last."""
    files.write_page(asked.db, asked.access, asked.platform.store, **page.model_dump())
