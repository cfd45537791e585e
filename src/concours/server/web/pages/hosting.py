"""The host's console: a competition made, edited, checked, published and looked after, without leaving the browser."""

from __future__ import annotations

from typing import Annotated, Final, Literal, cast

from fastapi import Query
from fastapi.responses import Response

from concours.core.digests import Digest
from concours.server.receiving import Received
from concours.server.refusals import Refusal
from concours.server.services import (
    arena,
    competitions,
    editing,
    files,
    folders,
    participants,
    publishing,
    rescoring,
    submissions,
    suspicions,
)
from concours.server.services.access import Rule
from concours.server.services.competitions import Full
from concours.server.web.pages.answering import Fields, numbered, page, refused, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.pages.lists import Pages
from concours.server.web.pages.settings_form import KINDS, REPEATED, changes_of, counts, counts_of, more_of, typed_of
from concours.server.web.routes import Asked, Asking, AskingOf, InCompetition, Routes
from concours.server.web.uploads import FormWithFile

ROUTES = Routes(pages=True)
_DESK: Final = "/c/{competition}/host"
_EACH: Final = 50
_Find = Annotated[str, Query(max_length=100)]
_Number = Annotated[int, Query(ge=1, le=100_000)]


# What one hosts


@ROUTES.get("/host", Rule.SIGNED_IN)
def hosting(asked: Asked) -> Response:
    """What one hosts, and how to begin."""
    return _hosting(asked)


@ROUTES.post("/host", Rule.SIGNED_IN, scope="host")
def create(asked: Asked, fields: Fields) -> Response:
    """Begins a draft."""
    given, made = typed(fields), None
    kind = cast(Literal["board", "arena"], "arena" if given.get("kind") == "arena" else "board")
    with tried(asked, given) as outcome:
        made = editing.create(
            asked.db, asked.actor, title=given.get("title", ""), slug=given.get("slug", ""), kind=kind
        )
    if outcome.form or made is None:
        return _hosting(asked, form=outcome.form or EMPTY, status=outcome.status)
    return seen(f"/c/{made.slug}/host/settings")


@ROUTES.post("/host/folder", Rule.SIGNED_IN, scope="host", uploads=True)
def create_from_folder(brought: FormWithFile) -> Response:
    """Begins a draft from an archive of a folder."""
    store, told = brought.platform.store, brought.platform.settings
    aside = told.data / "tmp"
    aside.mkdir(parents=True, exist_ok=True)
    try:
        archive = store.local_path(Digest(brought.file.digest))
        with (
            folders.brought(archive, store, aside=aside, most=told.upload_bytes) as (competition, kept),
            brought.writing() as asked,
        ):
            made = folders.create(asked.db, asked.actor, store, competition, kept)
    except Refusal as error:
        with brought.writing() as asked:
            return _hosting(asked, folder=refused(error, {}), status=error.status)
    return seen(f"/c/{made.slug}/host")


def _hosting(asked: Asking, *, form: Form = EMPTY, folder: Form = EMPTY, status: int = 200) -> Response:
    found = competitions.listing(asked.db, asked.actor, mine=True, limit=100)
    listed = [one for one in found.competitions if one.hosting]
    return page(asked, "hosting", status=status, listed=listed, form=form, folder=folder)


# One of them: its state


@ROUTES.get(_DESK, Rule.HOST)
def overview(asked: InCompetition) -> Response:
    """Where it stands on the way to its participants."""
    return _overview(asked, EMPTY)


@ROUTES.post(f"{_DESK}/check", Rule.HOST)
def check(asked: InCompetition) -> Response:
    """Has its data read."""
    with tried(asked, {}) as outcome:
        publishing.check(asked.db, asked.access)
    return _stepped(asked, outcome.form, outcome.status, "checking")


@ROUTES.post(f"{_DESK}/publish", Rule.HOST)
def publish(asked: InCompetition) -> Response:
    """Shows it to its readers."""
    with tried(asked, {}) as outcome:
        publishing.publish(asked.db, asked.access)
    return _stepped(asked, outcome.form, outcome.status, "published")


@ROUTES.post(f"{_DESK}/close", Rule.HOST)
def close_phase(asked: InCompetition, fields: Fields) -> Response:
    """Ends a phase before its date, or one that has none."""
    key = typed(fields).get("phase", "")
    with tried(asked, {}) as outcome:
        publishing.close_phase(asked.db, asked.access, key)
    return _stepped(asked, outcome.form, outcome.status, "closed")


@ROUTES.post(f"{_DESK}/end", Rule.HOST)
def close(asked: InCompetition) -> Response:
    """Ends all of it."""
    with tried(asked, {}) as outcome:
        publishing.close(asked.db, asked.access)
    return _stepped(asked, outcome.form, outcome.status, "closed")


@ROUTES.post(f"{_DESK}/archive", Rule.HOST)
def archive(asked: InCompetition) -> Response:
    """Keeps it as it is."""
    with tried(asked, {}) as outcome:
        publishing.archive(asked.db, asked.access)
    return _stepped(asked, outcome.form, outcome.status, "archived")


@ROUTES.post(f"{_DESK}/delete", Rule.HOST)
def delete(asked: InCompetition) -> Response:
    """Deletes a draft."""
    with tried(asked, {}) as outcome:
        editing.remove(asked.db, asked.access)
    if outcome.form:
        return _overview(asked, outcome.form, status=outcome.status)
    return seen("/host", "deleted")


@ROUTES.post(f"{_DESK}/hosts", Rule.HOST)
def add_host(asked: InCompetition, fields: Fields) -> Response:
    """Makes somebody a host too."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        editing.add_host(asked.db, asked.access, given.get("user", ""))
    return _stepped(asked, outcome.form, outcome.status, "kept")


@ROUTES.post(f"{_DESK}/hosts/{{user}}/remove", Rule.HOST)
def remove_host(asked: InCompetition, user: str) -> Response:
    """Somebody is no host any more."""
    with tried(asked, {}) as outcome:
        editing.remove_host(asked.db, asked.access, user)
    return _stepped(asked, outcome.form, outcome.status, "kept")


def _stepped(asked: AskingOf, form: Form | None, status: int, done: str) -> Response:
    if form:
        return _overview(asked, form, status=status)
    return seen(_desk(asked), done)


def _overview(asked: AskingOf, form: Form, *, status: int = 200) -> Response:
    declared = editing.declared(asked.db, asked.access)
    return page(asked, "host_overview", status=status, c=_full(asked), d=declared, form=form)


# What is declared


@ROUTES.get(f"{_DESK}/settings", Rule.HOST)
def settings(asked: InCompetition) -> Response:
    """All that is declared, in a form."""
    declared = editing.declared(asked.db, asked.access)
    form = Form(typed=typed_of(declared.settings))
    return _settings(asked, form, str(declared.version), counts(declared.settings))


@ROUTES.post(f"{_DESK}/settings", Rule.HOST)
def edit(asked: InCompetition, fields: Fields) -> Response:
    """Keeps it; or shows it again with one more phase, board or baseline."""
    given = typed(fields)
    version, wanted = given.get("version", ""), counts_of(given)
    if (more := given.get("add", "")) in REPEATED:
        given |= more_of(more, wanted[more])
        return _settings(asked, Form(typed=given), version, {**wanted, more: wanted[more] + 1})
    slug = asked.access.competition.slug
    with tried(asked, given, names=_dotted) as outcome:
        number = int(version) if version.isdecimal() else 0
        changes = changes_of(given)
        slug = editing.edit(asked.db, asked.access, asked.platform.store, changes, version=number).slug
    if outcome.form:
        return _settings(asked, outcome.form, version, wanted, status=outcome.status)
    return seen(f"/c/{slug}/host/settings", "kept")


def _dotted(field: str) -> str:
    """`phases[0].begins` as the form calls it."""
    return field.replace("[", ".").replace("]", "")


def _settings(asked: AskingOf, form: Form, version: str, many: dict[str, int], *, status: int = 200) -> Response:
    full = _full(asked)
    kinds = [(name, name) for name in dict.fromkeys([*KINDS, form.typed.get("task.kind") or KINDS[0]])]
    values = {"c": full, "form": form, "version": version, "counts": many, "arena": full.kind == "arena"}
    return page(asked, "host_settings", status=status, kinds=kinds, **values)


# Pages and files


@ROUTES.get(f"{_DESK}/pages", Rule.HOST)
def texts(asked: InCompetition, page: str = "") -> Response:
    """A page to be written."""
    form = EMPTY
    if page:
        found = competitions.page(asked.db, asked.access, page)
        ruling = {"rules": "yes"} if page == competitions.RULES else {}
        form = Form(typed={"title": found.title, "text": found.text, **ruling})
    return _texts(asked, form, page)


@ROUTES.post(f"{_DESK}/pages", Rule.HOST)
def write(asked: InCompetition, fields: Fields) -> Response:
    """Keeps it, or shows it as readers will see it."""
    given = typed(fields)
    title, text, key = given.get("title", ""), given.get("text", "").replace("\r\n", "\n"), given.get("key", "")
    if given.get("look"):
        return _texts(asked, Form(typed=given), key, look=True)
    with tried(asked, given) as outcome:
        file = _file_of(asked, key) if key else ""
        rules = bool(given.get("rules"))
        key = files.write_page(
            asked.db, asked.access, asked.platform.store, title=title, text=text, file=file, rules=rules
        )
    if outcome.form:
        return _texts(asked, outcome.form, key, status=outcome.status)
    return seen(f"{_desk(asked)}/pages", "kept", page=key)


def _file_of(asked: AskingOf, key: str) -> str:
    """The file of a page of the competition, as its settings name it."""
    title = competitions.page(asked.db, asked.access, key).title
    declared = editing.declared(asked.db, asked.access).settings
    if key == competitions.RULES:
        return str(declared["rules"])
    return next((str(one["file"]) for one in declared["pages"] if one["title"] == title), "")


def _texts(asked: AskingOf, form: Form, key: str, *, look: bool = False, status: int = 200) -> Response:
    full = _full(asked)
    here = next((one for one in full.pages if one.key == key), None)
    return page(asked, "host_pages", status=status, c=full, pages=full.pages, page=here, form=form, look=look)


@ROUTES.get(f"{_DESK}/files", Rule.HOST)
def folder(asked: InCompetition) -> Response:
    """All its files."""
    return _files(asked, EMPTY)


@ROUTES.post(f"{_DESK}/files", Rule.HOST, uploads=True)
def put(brought: FormWithFile) -> Response:
    """Takes a file in."""
    with brought.writing_in() as asked:
        with tried(asked, {**brought.fields, "file": ""}) as outcome:
            path = f"{brought.fields.get('folder', '')}/{brought.file.called}"
            files.put(asked.db, asked.access, asked.platform.store, path, _kept(brought.file))
        if outcome.form:
            return _files(asked, outcome.form, status=outcome.status)
        return seen(f"{_desk(asked)}/files", "kept")


@ROUTES.post(f"{_DESK}/files/delete", Rule.HOST)
def remove(asked: InCompetition, fields: Fields) -> Response:
    """Takes a file away."""
    with tried(asked, {}) as outcome:
        files.remove(asked.db, asked.access, asked.platform.store, typed(fields).get("path", ""))
    if outcome.form:
        return _files(asked, outcome.form, status=outcome.status)
    return seen(f"{_desk(asked)}/files", "deleted")


def _files(asked: AskingOf, form: Form, *, status: int = 200) -> Response:
    found = files.listed(asked.db, asked.access)
    return page(asked, "host_files", status=status, c=_full(asked), files=found, form=form)


def _kept(file: Received) -> files.Kept:
    return files.Kept(digest=Digest(file.digest), size=file.size)


def _full(asked: AskingOf) -> Full:
    return competitions.one(asked.db, asked.access)


def _desk(asked: AskingOf) -> str:
    return f"/c/{asked.access.competition.slug}/host"


# Who takes part, and what they sent


@ROUTES.get(f"{_DESK}/queue", Rule.HOST)
def queue(asked: InCompetition, before: int | None = None) -> Response:
    """What everybody has sent, the latest first."""
    full = _full(asked)
    lines = submissions.listed(asked.db, asked.access, before=before, most=_EACH + 1)
    metric = full.metrics[0].name if full.metrics else ""
    return page(asked, "host_queue", c=full, lines=lines[:_EACH], more=len(lines) > _EACH, metric=metric, form=EMPTY)


@ROUTES.post(f"{_DESK}/submissions/{{id}}/again", Rule.HOST)
def run_again(asked: InCompetition, id: int) -> Response:
    """Runs one again."""
    rescoring.run_again(asked.db, asked.access, id)
    return seen(f"{_desk(asked)}/queue", "sent")


@ROUTES.get(f"{_DESK}/people", Rule.HOST)
def people(asked: InCompetition, search: _Find = "", part: _Number = 1) -> Response:
    """Who takes part."""
    return _people(asked, EMPTY, search=search, part=part)


@ROUTES.post(f"{_DESK}/people", Rule.HOST)
def remove_participant(asked: InCompetition, fields: Fields) -> Response:
    """Somebody takes part no more."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        participants.remove(asked.db, asked.access, given.get("user", "").strip(), why=given.get("why", ""))
    if outcome.form:
        return _people(asked, outcome.form, status=outcome.status)
    return seen(f"{_desk(asked)}/people", "kept")


@ROUTES.post(f"{_DESK}/people/{{user}}/readmit", Rule.HOST)
def readmit(asked: InCompetition, user: str) -> Response:
    """Somebody who was removed may join again."""
    participants.readmit(asked.db, asked.access, user)
    return seen(f"{_desk(asked)}/people", "kept")


def _people(asked: AskingOf, form: Form, *, search: str = "", part: int = 1, status: int = 200) -> Response:
    found, total = participants.listed(asked.db, asked.access, search=search, offset=(part - 1) * _EACH, limit=_EACH)
    return page(
        asked,
        "host_people",
        status=status,
        c=_full(asked),
        form=form,
        people=found,
        removed=participants.removed(asked.db, asked.access),
        search=search,
        pages=Pages.of(total, _EACH, part, f"{_desk(asked)}/people", search=search),
    )


@ROUTES.get(f"{_DESK}/suspicions", Rule.HOST)
def unusual(asked: InCompetition) -> Response:
    """What is unusual, without accusing anybody."""
    return page(asked, "host_suspicions", c=_full(asked), form=EMPTY, found=suspicions.found(asked.db, asked.access))


@ROUTES.get(f"{_DESK}/voters", Rule.HOST)
def voters(asked: InCompetition) -> Response:
    """Who votes in an arena otherwise than the crowd."""
    return _voters(asked, EMPTY)


@ROUTES.post(f"{_DESK}/voters", Rule.HOST)
def leave_out(asked: InCompetition, fields: Fields) -> Response:
    """None of somebody's votes counts any more."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        arena.leave_out(asked.db, asked.access, numbered(given.get("voter", "")))
    if outcome.form:
        return _voters(asked, outcome.form, status=outcome.status)
    return seen(f"{_desk(asked)}/voters", "kept")


def _voters(asked: AskingOf, form: Form, *, status: int = 200) -> Response:
    found = arena.arena(asked.db, asked.access)
    return page(asked, "host_voters", status=status, c=_full(asked), form=form, arena=found)


# Scored again


@ROUTES.get(f"{_DESK}/rescore", Rule.HOST)
def rescores(asked: InCompetition) -> Response:
    """What was scored again, why, and who moved."""
    return _rescores(asked, EMPTY)


@ROUTES.post(f"{_DESK}/rescore", Rule.HOST, uploads=True)
def rescore(brought: FormWithFile) -> Response:
    """Asks for it."""
    given = brought.fields
    with brought.writing_in() as asked:
        with tried(asked, given) as outcome:
            kept = {given.get("path", ""): _kept(brought.picked)} if brought.picked else {}
            metrics = [name.strip() for name in given.get("metrics", "").split(",") if name.strip()]
            rescoring.correct(asked.db, asked.access, why=given.get("why", ""), files=kept, metrics=metrics)
        if outcome.form:
            return _rescores(asked, outcome.form, status=outcome.status)
        return seen(f"{_desk(asked)}/rescore", "rescoring")


def _rescores(asked: AskingOf, form: Form, *, status: int = 200) -> Response:
    paths = [file.path for file in files.listed(asked.db, asked.access) if file.path.startswith("truth/")]
    return page(
        asked,
        "host_rescore",
        status=status,
        c=_full(asked),
        form=form,
        truths=[(path, path) for path in paths],
        corrections=rescoring.corrections(asked.db, asked.access),
        rescores=rescoring.rescores(asked.db, asked.access),
    )
