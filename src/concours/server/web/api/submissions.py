"""Submissions: sent, looked at, stopped, and chosen for the end."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Header, Query
from fastapi.responses import Response

from concours.core.digests import Digest
from concours.server.accounts.addresses import digest_of
from concours.server.recognised import recognised
from concours.server.services import finals, receipts, submissions
from concours.server.services.access import Rule
from concours.server.services.finals import Finals
from concours.server.services.limits import Left
from concours.server.services.receipts import Receipt
from concours.server.services.submissions import Log, Sent, Submission
from concours.server.web.routes import Asked, InCompetition, Routes
from concours.server.web.sending import sent
from concours.server.web.uploads import SENDS, Sending

ROUTES = Routes("/api")
_OF = "/competitions/{competition}"
_KEY = Header(alias="Idempotency-Key", max_length=200)


@ROUTES.post(f"{_OF}/submissions", Rule.MEMBER, status_code=201, **SENDS)
def submit(asked: Sending, once: Annotated[str, _KEY] = "") -> Submission:
    """Sends a file: predictions or code. Fields stand before the file.

    With an `Idempotency-Key` it is safe to send it again: the same key is the same submission.
    """
    file, fields = asked.received, asked.received.fields
    given = Sent(
        digest=file.digest,
        size=file.size,
        called=file.called,
        brings=recognised(asked.platform.store.local_path(Digest(file.digest)), file.called),
        phase=fields.get("phase", ""),
        name=" ".join(fields.get("name", "").split()),
        message=fields.get("message", "").strip(),
        once=once,
        address=digest_of(asked.platform.settings, asked.actor.address),
    )
    return submissions.submit(asked.db, asked.access, given)


@ROUTES.get(f"{_OF}/submissions", Rule.MEMBER)
def listed(
    asked: InCompetition,
    phase: str = "",
    team: int | None = None,
    before: int | None = None,
    most: Annotated[int, Query(ge=1, le=500)] = 50,
) -> tuple[Submission, ...]:
    """One's own team's, the latest first; for hosts those of all. `before` gives those that came before that one."""
    return submissions.listed(asked.db, asked.access, phase=phase, team=team, before=before, most=most)


@ROUTES.get(f"{_OF}/left", Rule.MEMBER)
def left(asked: InCompetition, phase: str = "") -> Left:
    """How many may still be sent today and in all, and when the next is possible."""
    return submissions.left(asked.db, asked.access, phase)


@ROUTES.get(f"{_OF}/submissions/{{id}}", Rule.READER)
def one(asked: InCompetition, id: int) -> Submission:
    """One of them. Of other teams its scores alone, and once its phase has ended."""
    return submissions.one(asked.db, asked.access, id)


@ROUTES.post(f"{_OF}/submissions/{{id}}/stop", Rule.MEMBER, scope="submit")
def stop(asked: InCompetition, id: int) -> Submission:
    """Stops one that waits or runs; it does not count then."""
    return submissions.stop(asked.db, asked.access, id)


@ROUTES.get(f"{_OF}/submissions/{{id}}/file", Rule.MEMBER, response_class=Response)
def file(asked: InCompetition, id: int) -> Response:
    """Its file, as it was sent."""
    found = submissions.file(asked.db, asked.access, id)
    return sent(asked.request, asked.platform.store, Digest(found.digest), found.called)


@ROUTES.get(f"{_OF}/submissions/{{id}}/log", Rule.MEMBER)
def log(asked: InCompetition, id: int, after: int = -1) -> Log:
    """What its run has printed, after the `number` of what was told before."""
    return submissions.log(asked.db, asked.access, id, after=after)


@ROUTES.get(f"{_OF}/submissions/{{id}}/receipt", Rule.MEMBER)
def receipt(asked: InCompetition, id: int) -> Receipt:
    """What its score rests on, signed."""
    return receipts.receipt(asked.db, asked.access, id, asked.platform.settings.secret())


@ROUTES.post("/receipts", Rule.ANYONE, scope="read")
def genuine(asked: Asked, receipt: Receipt) -> dict[str, bool]:
    """Whether a receipt was given by this platform, as it is."""
    return {"genuine": receipts.is_genuine(receipt, asked.platform.settings.secret())}


@ROUTES.get(f"{_OF}/finals", Rule.MEMBER)
def chosen(asked: InCompetition, phase: str = "") -> Finals:
    """The submissions that one's team is ranked by in the end."""
    return finals.chosen(asked.db, asked.access, phase)


@ROUTES.put(f"{_OF}/finals", Rule.MEMBER, scope="submit")
def choose(
    asked: InCompetition,
    submissions: Annotated[tuple[int, ...], Body(embed=True, max_length=10)],
    phase: Annotated[str, Body(embed=True)] = "",
) -> Finals:
    """Chooses these, up to two, and no others; none brings the default back, which is the best public score."""
    return finals.choose(asked.db, asked.access, submissions, phase)
