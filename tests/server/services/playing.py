"""A competition that is under way, written by hand: its phases, who takes part, and what its boards have come to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from concours.core.digests import digest_json
from concours.core.event import utc_now
from concours.core.kind import Input, Output
from concours.core.problem import Goal, Part, Problem
from concours.server.actor import Actor
from concours.server.database.tables import APPLIED, COMPETITIONS, HOSTS, PHASES, PLACES, SCORES, SUBMISSIONS, USERS
from concours.server.database.texts import text_of
from concours.server.hosting.opened import Asked, Opened
from concours.server.services import membership, submissions
from concours.server.services.submissions import Sent

PROBLEM = digest_json("a problem")
TASK = {"kind": "classification", "data": "data/train.csv", "test": "truth/test.csv"}
_TRAIN = Part(x=digest_json("x"), y=digest_json("y"), ids=digest_json("ids"), rows=3)
ASKED = Asked(
    phase="",
    problem=Problem(
        name="flowers",
        kind="tabular-classification",
        input=Input(name="table"),
        output=Output(name="classes", estimator="classifier", joins=("mean",), labels=("a", "b")),
        metrics=(Goal(name="accuracy", greater_is_better=True), Goal(name="log_loss", greater_is_better=False)),
        train=_TRAIN,
        folds=digest_json("folds"),
        n_folds=3,
        test=_TRAIN,
    ),
    rows=3,
    public_rows=1,
    ids=digest_json("ids"),
    id="id",
    target="y",
    columns=("id", "y"),
    sample=digest_json("sample"),
)


def in_days(days: float, of: datetime | None = None) -> str:
    return ((of or datetime.now(UTC)) + timedelta(days=days)).isoformat(timespec="microseconds")


def phase(key: str = "main", begins: float = -10, ends: float | None = 10, **more: Any) -> dict[str, Any]:
    """A phase, in days from now."""
    end = {} if ends is None else {"ends": in_days(ends)}
    return {"key": key, "title": key.title(), "begins": in_days(begins), **end, **more}


@dataclass
class Playing:
    """A competition, and what is done in it."""

    desk: Any
    slug: str = "flowers"
    people: dict[str, Actor] = field(default_factory=dict)

    @classmethod
    def of(cls, desk: Any, *phases: dict[str, Any], state: str = "published", **settings: Any) -> Playing:
        given = list(phases) or [phase()]
        declared = {"title": "Flowers", "slug": "flowers", "phases": given, "task": TASK} | settings
        opened = Opened(asked=tuple(replace(ASKED, phase=one["key"]) for one in given))
        with desk.writing() as db:
            number = db.execute(
                insert(COMPETITIONS)
                .values(
                    slug="flowers",
                    title="Flowers",
                    state=state,
                    visibility="all",
                    owner=desk.host.user,
                    settings=text_of(declared),
                    version=1,
                    opened=text_of(opened.to_json()),
                    alliance=True,
                    created=utc_now(),
                    published=utc_now(),
                )
                .returning(COMPETITIONS.c.id)
            ).scalar_one()
            db.execute(insert(HOSTS).values(competition=number, user=desk.host.user))
            for place, one in enumerate(given):
                db.execute(
                    insert(PHASES).values(
                        competition=number,
                        key=one["key"],
                        number=place,
                        title=one["title"],
                        begins=one["begins"],
                        ends=one.get("ends"),
                        state="open",
                        settings=text_of(one),
                        problem=PROBLEM,
                    )
                )
        return cls(desk)

    def person(self, name: str) -> Actor:
        if name not in self.people:
            with self.desk.writing() as db:
                id = db.execute(
                    insert(USERS).values(name=name, display=name.title(), created=utc_now()).returning(USERS.c.id)
                ).scalar_one()
            self.people[name] = Actor(user=id, name=name)
        return self.people[name]

    def joined(self, *names: str) -> list[Actor]:
        for name in names:
            self.do(name, membership.join)
        return [self.person(name) for name in names]

    def do(self, who: str | Actor, what: Any, *more: Any, **named: Any) -> Any:
        actor = self.person(who) if isinstance(who, str) else who
        return self.desk.do(actor, self.slug, what, *more, **named)

    def send(self, who: str, content: str = "a", **named: Any) -> Any:
        now = named.pop("now", "")
        values = {
            "size": 1,
            "called": f"{content}.csv",
            "brings": "predictions",
            "digest": digest_json(content),
        } | named
        return self.do(who, submissions.submit, Sent(**values), now=now)

    def phase_id(self, key: str = "main") -> int:
        with self.desk.reading() as db:
            return db.execute(select(PHASES.c.id).where(PHASES.c.key == key)).scalar_one()

    # What the conductor would write

    def score(self, entry: int, accuracy: float | None, *, reason: str = "", shown: float | None = None) -> None:
        metrics = {"accuracy": accuracy, "log_loss": None if accuracy is None else 1 - accuracy}
        state = "scored" if not reason else "failed"
        with self.desk.writing() as db:
            board = f"phase {db.execute(select(SUBMISSIONS.c.phase).where(SUBMISSIONS.c.id == entry)).scalar_one()}"
            db.execute(
                insert(SCORES).values(
                    board=board,
                    problem=PROBLEM,
                    entry=entry,
                    metrics=text_of(metrics if not reason else {}),
                    intervals=text_of({} if accuracy is None else {"accuracy": [accuracy - 0.05, accuracy + 0.05]}),
                    shown=None if shown is None else text_of({"accuracy": shown, "log_loss": 1 - shown}),
                    reason=reason,
                )
            )
            db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == entry).values(state=state, reason=reason))

    def place(self, *lines: tuple[int, dict[str, Any]], part: str = "public", key: str = "main") -> None:
        """Entries and their lines, in the order of the board."""
        board = f"phase {self.phase_id(key)}"
        with self.desk.writing() as db:
            db.execute(delete(PLACES).where(PLACES.c.board == board, PLACES.c.part == part))
            for number, (entry, line) in enumerate(lines):
                db.execute(
                    insert(PLACES).values(
                        board=board, part=part, entry=entry, team="", number=number, line=text_of(line)
                    )
                )
            last = db.execute(select(APPLIED.c.number).where(APPLIED.c.board == board)).scalar()
            db.execute(delete(APPLIED).where(APPLIED.c.board == board))
            db.execute(insert(APPLIED).values(board=board, number=(last or 0) + 1, at=utc_now()))

    def phase_is(self, state: str, key: str = "main") -> None:
        with self.desk.writing() as db:
            db.execute(update(PHASES).where(PHASES.c.key == key).values(state=state))


def line(accuracy: float | None, rank: int | None = None, best: int = 1, worst: int = 9, **more: Any) -> dict[str, Any]:
    """A line of a board, as the journal's board has it."""
    metrics = {"accuracy": accuracy, "log_loss": None if accuracy is None else round(1 - accuracy, 6)}
    ends = {} if accuracy is None else {"accuracy": [accuracy - 0.05, accuracy + 0.05]}
    known = {"rank": rank, "rank_best": best, "rank_worst": worst} if rank else {}
    return json.loads(json.dumps({"metrics": metrics, "intervals": ends, **known, **more}))
