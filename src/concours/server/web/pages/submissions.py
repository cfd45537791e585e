"""Submitting, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi.responses import Response

from concours.core.digests import Digest
from concours.core.event import utc_now
from concours.core.ports import Store
from concours.server.accounts.addresses import digest_of
from concours.server.database.texts import json_of
from concours.server.hosting.opened import Opened
from concours.server.receiving import Received
from concours.server.recognised import recognised
from concours.server.refusals import Conflict, Forbidden, Refusal, TooMany, Unknown
from concours.server.services import boards, competitions, finals, receipts, submissions
from concours.server.services.access import Rule
from concours.server.services.competitions import Full, PhaseOf
from concours.server.services.submissions import Sent, Submission
from concours.server.web.pages.answering import Fields, page, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.routes import AskingOf, InCompetition, Routes
from concours.server.web.sending import sent
from concours.server.web.uploads import FormWithFile

ROUTES = Routes(pages=True)

_SAMPLE_LINES: Final = 6
_SAMPLE_BYTES: Final = 4096
_LISTED: Final = 200
_LOG: Final = 100_000
"""Letters of a log that its page shows: a browser draws megabytes slowly, and asks again whenever more is printed."""
_LIVE: Final = 20
"""Submissions of a list that are followed by name; the latest change."""


@ROUTES.get("/c/{competition}/submit", Rule.MEMBER)
def form(asked: InCompetition, phase: str = "") -> Response:
    """The form, with what is left and what a file must look like."""
    return _form(asked, EMPTY, phase)


@ROUTES.post("/c/{competition}/submit", Rule.MEMBER, uploads=True, limit="submit", scope="submit")
def submit(brought: FormWithFile) -> Response:
    """Takes a file in."""
    given, made = dict(brought.fields), None
    with brought.writing_in() as asked:
        with tried(asked, {**given, "file": ""}) as outcome:
            made = submissions.submit(asked.db, asked.access, _sent(asked, given, brought.file))
        if outcome.form or made is None:
            return _form(asked, outcome.form or EMPTY, given.get("phase", ""), status=outcome.status)
        return seen(f"/c/{asked.access.competition.slug}/submissions/{made.id}", "sent")


@ROUTES.get("/c/{competition}/sample", Rule.MEMBER)
def sample(asked: InCompetition, phase: str) -> Response:
    """A file of predictions as a phase asks for it."""
    digest = _sample(asked, phase)
    if digest is None:
        raise Unknown(f"phase {phase!r} has no sample")
    return sent(asked.request, asked.platform.store, digest, f"sample-{phase}.csv")


@ROUTES.get("/c/{competition}/submissions", Rule.MEMBER)
def mine(asked: InCompetition, phase: str = "") -> Response:
    """What one's own team has sent in a phase."""
    return _mine(asked, EMPTY, phase)


@ROUTES.post("/c/{competition}/finals", Rule.MEMBER, scope="submit")
def choose(asked: InCompetition, fields: Fields) -> Response:
    """Chooses what counts in the end."""
    ids = tuple(int(id) for id in fields.getlist("final") if isinstance(id, str) and id.isdecimal())
    given = typed(fields)
    with tried(asked, given) as outcome:
        finals.choose(asked.db, asked.access, ids, given.get("phase", ""))
    if outcome.form:
        return _mine(asked, outcome.form, given.get("phase", ""), picked=ids, status=outcome.status)
    return seen(f"/c/{asked.access.competition.slug}/submissions", "chosen", phase=given.get("phase", ""))


@ROUTES.get("/c/{competition}/submissions/{id}", Rule.READER)
def one(asked: InCompetition, id: int) -> Response:
    """A submission: its state, its scores, its receipt."""
    found = submissions.one(asked.db, asked.access, id)
    own = asked.access.host or (found.team is not None and found.team == asked.access.team)
    full = competitions.one(asked.db, asked.access)
    told = submissions.log(asked.db, asked.access, id) if own and found.brings == "code" else None
    return page(
        asked,
        "submission",
        c=full,
        s=found,
        own=own,
        place=_place(asked, found),
        progress=_share(told.progress) if told else None,
        log=_end(told.text) if told else None,
        cut=told is not None and len(told.text) > _LOG,
        told=told.progress if told else {},
        older=submissions.earlier(asked.db, asked.access, id) if own else (),
        receipt=_receipt(asked, found) if own else (),
    )


@ROUTES.post("/c/{competition}/submissions/{id}/stop", Rule.MEMBER, scope="submit")
def stop(asked: InCompetition, id: int) -> Response:
    """Stops one that waits or runs."""
    submissions.stop(asked.db, asked.access, id)
    return seen(f"/c/{asked.access.competition.slug}/submissions/{id}", "stopped")


def _sent(asked: AskingOf, given: Mapping[str, str], file: Received) -> Sent:
    """What a form sends. Raises Unfit."""
    return Sent(
        digest=file.digest,
        size=file.size,
        called=file.called,
        brings=recognised(asked.platform.store.local_path(Digest(file.digest)), file.called),
        phase=given.get("phase", ""),
        message=given.get("message", "").strip(),
        address=digest_of(asked.platform.settings, asked.actor.address),
    )


def _end(text: str) -> str:
    """The last whole lines of a log, as many as a page shows."""
    return text if len(text) <= _LOG else text[-_LOG:].partition("\n")[2]


def _form(asked: AskingOf, form: Form, key: str, *, status: int = 200) -> Response:
    full = competitions.one(asked.db, asked.access)
    now = utc_now()
    open_phases = [one for one in full.phases if one.state == "open" or _begun(one, now)]
    phase = next((one for one in open_phases if one.key == key), open_phases[0] if open_phases else None)
    values: dict[str, Any] = {"phase": phase, "open_phases": open_phases, "refused": "", "limits": None, "sample": ""}
    if not asked.access.member:
        values["refused"] = "a host sees the truth, and does not compete"
    elif phase is not None:
        values["limits"] = submissions.left(asked.db, asked.access, phase.key)
        values["sample"] = _first_lines(asked.platform.store, _sample(asked, phase.key))
    return page(asked, "submit", status=status, c=full, form=form, most=asked.platform.settings.upload_bytes, **values)


def _begun(phase: PhaseOf, now: str) -> bool:
    return phase.state == "waiting" and phase.begins <= now and (not phase.ends or now < phase.ends)


def _sample(asked: AskingOf, phase: str) -> Digest | None:
    row = asked.access.competition
    if not row.opened:
        return None
    try:
        return Opened.from_json(json_of(row.opened)).of(phase).sample
    except KeyError:
        return None


def _first_lines(store: Store, digest: Digest | None) -> str:
    if digest is None:
        return ""
    with store.open(digest) as content:
        text = content.read(_SAMPLE_BYTES).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[:_SAMPLE_LINES])


def _mine(
    asked: AskingOf, form: Form, key: str, *, picked: tuple[int, ...] | None = None, status: int = 200
) -> Response:
    """What one's own team has sent. picked: what was chosen and refused; none shows what is kept."""
    full = competitions.one(asked.db, asked.access)
    phase = next((one for one in full.phases if one.key == (key or full.phase)), full.phases[-1])
    lines = submissions.listed(asked.db, asked.access, phase=phase.key, team=asked.access.team, most=_LISTED)
    is_open = phase.state == "open"
    followed = [one.id for one in lines if one.state in ("waiting", "running")] + [one.id for one in lines]
    return page(
        asked,
        "submissions",
        status=status,
        c=full,
        form=form,
        phase=phase,
        lines=lines,
        over=phase.state == "closed",
        may_choose=is_open and asked.access.member,
        picked={one.id for one in lines if one.final} if picked is None else picked,
        finals=finals.chosen(asked.db, asked.access, phase.key).most if asked.access.member else 0,
        metric=_metric(full),
        limits=submissions.left(asked.db, asked.access, phase.key) if is_open and asked.access.member else None,
        topics=",".join(f"submission {id}" for id in dict.fromkeys(followed[:_LIVE])),
    )


def _metric(full: Full) -> str:
    return full.metrics[0].name if full.metrics else ""


def _share(progress: Mapping[str, float]) -> float | None:
    """How much of a run is done, in [0, 1], where it tells that."""
    done = progress.get("progress", progress.get("done"))
    return None if done is None else min(1.0, max(0.0, done))


def _place(asked: AskingOf, found: Submission) -> int | None:
    """The place of a submission on the board, if it stands there for its team, and the board is shown."""
    try:
        board = boards.board(asked.db, asked.access, found.phase)
    except Refusal:
        return None
    return next((row.rank for row in board.rows if row.entry == found.id), None)


def _receipt(asked: AskingOf, found: Submission) -> tuple[tuple[str, str], ...]:
    try:
        given = receipts.receipt(asked.db, asked.access, found.id, asked.platform.settings.secret())
    except (Conflict, Forbidden, TooMany):
        return ()
    shown = {
        "predictions": given.predictions,
        "task": given.task,
        "data": given.data,
        "scorer": given.scorer,
        "versions": f"concours {given.version}",
        "journal": str(given.record),
        "signature": given.signature,
    }
    return tuple((name, text) for name, text in shown.items() if text)
