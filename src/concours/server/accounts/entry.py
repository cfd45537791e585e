"""How people come in: registration, login, links, new passwords.

These take the database rather than a transaction: a password is hashed while none is open, and what was counted of an
attempt that failed stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from concours.server import audit
from concours.server.accounts import attempts, links, passwords, sessions, users
from concours.server.accounts.addresses import digest_of
from concours.server.accounts.choices import chosen
from concours.server.actor import Actor
from concours.server.database.tables import TOKENS, USERS
from concours.server.platform import Platform
from concours.server.refusals import Conflict, Forbidden, NotSignedIn

WRONG = "the name or the password is wrong"


@dataclass(frozen=True, kw_only=True)
class Entered:
    """Somebody who has just come in.

    Attributes:
        cookie: of their new session.
    """

    user: int
    name: str
    cookie: str


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """What somebody who registers says of themselves."""

    name: str
    password: str
    display: str = ""
    email: str | None = None


def checked(platform: Platform, name: str, password: str, address: str) -> Actor:
    """Whoever has a name and password. Takes as long for names that nobody has, and for those without a password.

    Args:
        address: where they come from.

    Raises:
        NotSignedIn: nobody has; nothing says which of the two is wrong.
        TooMany: too many attempts have failed (`accounts.attempts`).
    """
    name = name.strip().lower()[:60]
    place = digest_of(platform.settings, address)
    keys = attempts.begin(platform.database, name, place)
    with platform.database.reading() as db:
        row = db.execute(select(USERS).where(USERS.c.name == name)).one_or_none()
    fits = passwords.matches(password, None if row is None or row.disabled is not None else row.password)
    if row is None or not fits:
        raise NotSignedIn(WRONG)
    anew = passwords.hashed(password) if passwords.outdated(row.password) else row.password
    with platform.database.writing() as db:
        kept = update(USERS).where(USERS.c.id == row.id, USERS.c.password == row.password, USERS.c.disabled.is_(None))
        if not db.execute(kept.values(password=anew)).rowcount:  # it was changed while we looked
            raise NotSignedIn(WRONG)
        attempts.succeeded(db, keys, row.id, place)
    return Actor(user=row.id, name=row.name, administrator=row.administrator, address=address)


def login(platform: Platform, name: str, password: str, address: str) -> Entered:
    """Begins a new session. Raises NotSignedIn, TooMany, as `checked` does."""
    return begun(platform, checked(platform, name, password, address))


def register(platform: Platform, applicant: Applicant, *, link: str | None = None, address: str = "") -> Entered:
    """Makes a user, who comes in at once.

    Args:
        link: the secret of an invitation, or of the first administrator's link.

    Raises:
        Unfit: a name, an address or a password is none that is taken.
        Conflict: somebody has the name already.
        Forbidden: registration is closed, or is by invitation.
        Unknown: the link serves no more.
    """
    passwords.require_good(applicant.password, applicant.name, applicant.display, applicant.email or "")
    with platform.database.reading() as db:
        require_open(chosen(db, "registration"), None if link is None else links.look(db, link).purpose)
    password = passwords.hashed(applicant.password)
    with platform.database.writing() as db:
        purpose = None if link is None else links.take(db, link).purpose
        require_open(chosen(db, "registration"), purpose)
        actor = Actor(
            user=users.add(
                db,
                applicant.name,
                display=applicant.display,
                email=applicant.email,
                password=password,
                administrator=purpose == "first",
            ),
            name=applicant.name,
            administrator=purpose == "first",
            address=address,
        )
        audit.write(db, actor, "user.register", actor.name, {"link": purpose or ""})
    return begun(platform, actor)


def recover(platform: Platform, link: str, password: str) -> Entered:
    """A new password by an administrator's link; sessions and tokens that were, serve no more.

    Raises:
        Unknown: the link serves no more, or is for something else.
        Unfit: the password is none that is taken.
    """
    with platform.database.reading() as db:
        name = _recovering(links.look(db, link))[1]
    passwords.require_good(password, name)
    new = passwords.hashed(password)
    with platform.database.writing() as db:
        user, name = _recovering(links.take(db, link))
        db.execute(update(USERS).where(USERS.c.id == user).values(password=new))
        db.execute(delete(TOKENS).where(TOKENS.c.user == user))
        sessions.end_all(db, user)
        actor = Actor(user=user, name=name)
        audit.write(db, actor, "user.recover", name)
    return begun(platform, actor)


def change_password(platform: Platform, who: Actor, old: str, new: str) -> Entered:
    """A new password; all sessions end, and one begins. Who came by OpenID alone has no old one, and sets their first.

    Raises:
        NotSignedIn: the old one is wrong.
        TooMany: it was wrong too often.
        Unfit: the new one is none that is taken.
    """
    with platform.database.reading() as db:
        account = users.account(db, who.user or 0)
    if account.password:
        checked(platform, who.name, old, who.address)
    passwords.require_good(new, account.name, account.display, account.email or "")
    if account.password and old == new:
        raise Conflict("password: the new one is the old one")
    hashed = passwords.hashed(new)
    with platform.database.writing() as db:
        db.execute(update(USERS).where(USERS.c.id == account.id).values(password=hashed))
        sessions.end_all(db, account.id)
        audit.write(db, who, "user.password", who.name)
    return begun(platform, who)


def _recovering(link: links.Link) -> tuple[int, str]:
    if link.user is None or link.name is None:
        raise Forbidden("this link is for somebody who has no account yet")
    return link.user, link.name


def require_open(registration: str, purpose: str | None) -> None:
    """Raises Forbidden: nobody may register, or not by a link for this purpose (none: without a link)."""
    if purpose in ("first", "invitation"):
        return
    if purpose is not None:
        raise Forbidden("this link is for somebody who has an account")
    if registration == "invitation":
        raise Forbidden("registration is by invitation: ask an administrator for a link")
    if registration == "closed":
        raise Forbidden("registration is closed")


def begun(platform: Platform, actor: Actor) -> Entered:
    """A new session of somebody of whom it is certain who they are."""
    if actor.user is None:
        raise NotSignedIn("sign in first")
    with platform.database.writing() as db:
        cookie = sessions.begin(db, actor.user)
        audit.write(db, actor, "session.begin", actor.name)
    return Entered(user=actor.user, name=actor.name, cookie=cookie)
