"""What a score rests on: digests of all that went into it, signed, so that it can be shown later that it was so."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

import concours
from concours.core.digests import canonical_json, digest_json
from concours.server.database.tables import APPLIED, FILES
from concours.server.hosting.competition import DATA, SCORER
from concours.server.refusals import Conflict, Forbidden
from concours.server.services.access import Access
from concours.server.services.stages import stage
from concours.server.services.submissions import one


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a submission was, and by what it was scored.

    Attributes:
        predictions: the digest of the file that was sent.
        task: of the problem that counts: the data as it was read, which rows are public, the metrics.
        data: of the names and digests of all public files of the competition.
        scorer: of the names and digests of the host's own scorer; empty where the library scores.
        version: of the library.
        record: the number of the last record of the board's journal that the scores follow from.
        signature: by a key that this platform alone has, over all else.
    """

    competition: str
    phase: str
    submission: int
    team: str
    sent: str
    predictions: str
    bytes: int
    task: str
    data: str
    scorer: str
    version: str
    record: int
    scored: str
    metrics: Mapping[str, float | None]
    private: Mapping[str, float | None]
    signature: str


def receipt(db: Connection, access: Access, id: int, secret: bytes) -> Receipt:
    """The receipt of a submission with a score, for its team and for hosts.

    Args:
        secret: of the platform (`Settings.secret`).

    Raises:
        Unknown, Forbidden: it is not theirs. Conflict: it has no score.
    """
    found = one(db, access, id)
    if not found.digest:
        raise Forbidden(f"submission {id} is another team's")
    if found.state != "scored":
        raise Conflict(f"submission {id} is {found.state}: a receipt is given for a score")
    of = stage(db, access, found.phase, "")
    applied = db.execute(select(APPLIED.c.number, APPLIED.c.at).where(APPLIED.c.board == of.board)).one_or_none()
    content: dict[str, Any] = {
        "competition": found.competition,
        "phase": found.phase,
        "submission": id,
        "team": found.team_name,
        "sent": found.at,
        "predictions": found.digest,
        "bytes": found.size,
        "task": of.problem or "",
        "data": _digest(db, access, DATA),
        "scorer": _digest(db, access, SCORER),
        "version": concours.__version__,
        "record": applied.number if applied else -1,
        "scored": applied.at if applied else "",
        "metrics": dict(found.metrics),
        "private": dict(found.private),
    }
    return Receipt(**content, signature=_signature(content, secret))


def is_genuine(shown: Receipt, secret: bytes) -> bool:
    """Whether a receipt was given by this platform, as it is."""
    content = asdict(shown)
    given = content.pop("signature")
    return hmac.compare_digest(given.encode(), _signature(content, secret).encode())


def _digest(db: Connection, access: Access, folder: str) -> str:
    files = db.execute(
        select(FILES.c.path, FILES.c.digest)
        .where(FILES.c.competition == access.competition.id, FILES.c.path.startswith(f"{folder}/", autoescape=True))
        .order_by(FILES.c.path)
    ).all()
    return digest_json([list(file) for file in files]) if files else ""


def _signature(content: Mapping[str, Any], secret: bytes) -> str:
    return hmac.new(secret, b"receipt " + canonical_json(dict(content)), sha256).hexdigest()
