"""Users: who there is, what they are called, and who has left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from concours.core.event import utc_now
from concours.server import audit
from concours.server.accounts.names import display_of, email_of, name_of
from concours.server.actor import Actor
from concours.server.database.tables import LINKS, SESSIONS, TOKENS, USERS
from concours.server.refusals import Conflict, Unfit, Unknown

_ABOUT: Final = 2000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Somebody, as everybody may see them."""

    id: int
    name: str
    display: str
    about: str
    administrator: bool
    created: str


@dataclass(frozen=True, kw_only=True)
class Account(Profile):
    """Somebody, as they and administrators see them.

    Attributes:
        email: of theirs, if they gave one.
        password: whether they have one.
        openid: whether they come by OpenID Connect.
        disabled: since when they may not come in.
    """

    email: str | None
    password: bool
    openid: bool
    disabled: str | None


def add(
    db: Connection,
    name: str,
    *,
    display: str = "",
    email: str | None = None,
    password: str | None = None,
    subject: str | None = None,
    administrator: bool = False,
) -> int:
    """Makes a user, and gives their number.

    Args:
        display: their name where it is empty.
        password: as `passwords.hashed` made it.
        subject: `ISSUER SUBJECT` of OpenID Connect.

    Raises:
        Unfit: a name or an address is none.
        Conflict: somebody has the name, or is that subject, already.
    """
    values = {
        "name": name_of(name),
        "display": display_of(display or name),
        "email": email_of(email),
        "password": password,
        "subject": subject,
        "administrator": administrator,
        "created": utc_now(),
    }
    try:
        with db.begin_nested():
            return int(db.execute(insert(USERS).values(**values).returning(USERS.c.id)).scalar_one())
    except IntegrityError as error:
        taken = "subject" if "subject" in str(error.orig) else "name"
        raise Conflict(f"{taken}: somebody has {name!r} already; choose another") from None


def profile(db: Connection, name: str) -> Profile:
    """Raises Unknown: there is nobody of that name who may come in."""
    row = row_of(db, name)
    if row.disabled is not None:
        raise Unknown(f"there is no user {name!r}")
    return Profile(**{part: getattr(row, part) for part in Profile.__dataclass_fields__})


def account(db: Connection, id: int) -> Account:
    """Raises Unknown: there is no such user."""
    row = db.execute(select(USERS).where(USERS.c.id == id)).one_or_none()
    if row is None:
        raise Unknown("there is no such user")
    return _account(row)


def accounts(db: Connection, *, like: str = "", after: str = "", limit: int = 100) -> list[Account]:
    """Users by name, from the one after `after` on; those in whose name, display name or e-mail `like` occurs."""
    found = select(USERS).where(USERS.c.name > after).order_by(USERS.c.name).limit(limit)
    if like:
        columns = (USERS.c.name, USERS.c.display, USERS.c.email)
        found = found.where(or_(*(func.lower(column).contains(like.lower(), autoescape=True) for column in columns)))
    return [_account(row) for row in db.execute(found)]


def row_of(db: Connection, name: str) -> Row[Any]:
    """Raises Unknown: there is nobody of that name."""
    row = db.execute(select(USERS).where(USERS.c.name == name)).one_or_none()
    if row is None:
        raise Unknown(f"there is no user {name[:60]!r}")
    return row


def describe(
    db: Connection, who: Actor, *, display: str | None = None, email: str | None = None, about: str | None = None
) -> None:
    """Changes what somebody says of themselves; what is none stays as it is, an empty e-mail is taken away.

    Raises Unfit: it is not what was expected.
    """
    values: dict[str, Any] = {}
    if display is not None:
        values["display"] = display_of(display)
    if email is not None:
        values["email"] = email_of(email)
    if about is not None:
        if len(about) > _ABOUT or "\0" in about:
            raise Unfit(f"about: expected at most {_ABOUT:,} letters, without NUL; got {len(about):,}")
        values["about"] = about
    if values:
        db.execute(update(USERS).where(USERS.c.id == who.user).values(**values))
        audit.write(db, who, "user.describe", who.name, {"changed": sorted(values)})


def disable(db: Connection, who: Actor, name: str, *, disabled: bool) -> None:
    """Keeps somebody out at once, or lets them in again; their sessions, tokens and links go.

    Raises:
        Unknown: there is nobody of that name.
        Conflict: it is oneself.
    """
    row = row_of(db, name)
    if row.id == who.user:
        raise Conflict("nobody can keep themselves out; ask another administrator")
    db.execute(update(USERS).where(USERS.c.id == row.id).values(disabled=utc_now() if disabled else None))
    for table in (SESSIONS, TOKENS, LINKS):
        db.execute(delete(table).where(table.c.user == row.id))
    audit.write(db, who, "user.disable" if disabled else "user.enable", name)


def appoint(db: Connection, who: Actor, name: str, *, administrator: bool) -> None:
    """Makes somebody an administrator, or no longer one.

    Raises:
        Unknown: there is nobody of that name.
        Conflict: it is oneself, so that one administrator is always left.
    """
    row = row_of(db, name)
    if row.id == who.user:
        raise Conflict("nobody changes this of themselves; ask another administrator")
    db.execute(update(USERS).where(USERS.c.id == row.id).values(administrator=administrator))
    audit.write(db, who, "user.appoint" if administrator else "user.dismiss", name)


def _account(row: Row[Any]) -> Account:
    return Account(
        **{part: getattr(row, part) for part in (*Profile.__dataclass_fields__, "email", "disabled")},
        password=row.password is not None,
        openid=row.subject is not None,
    )
