"""Accounts: registration, login, tokens, one's profile, links; what administrators do with users."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from concours.server.accounts import choices, entry, links, sessions, tokens, users
from concours.server.accounts.users import Account, Profile
from concours.server.refusals import Forbidden, NotSignedIn
from concours.server.services.access import Rule
from concours.server.web.routes import Asked, Routes
from concours.server.web.who import forget, remember

ROUTES = Routes("/api")


class Body(BaseModel):
    """What a request brings: nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid")


class Login(Body):
    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class Registration(Login):
    display: str = Field("", max_length=200)
    email: str | None = Field(None, max_length=300)
    link: str | None = Field(None, max_length=200, description="The secret of an invitation or of the first link.")


class Recovery(Body):
    link: str = Field(max_length=200, description="The secret of the link.")
    password: str = Field(max_length=1000)


class NewPassword(Body):
    old: str = Field("", max_length=1000)
    new: str = Field(max_length=1000)


class Description(Body):
    display: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=300)
    about: str | None = Field(None, max_length=10_000)


class NewToken(Body):
    name: str = Field(max_length=200, description="What it is for, such as the machine that it lies on.")
    scopes: list[str] = Field(max_length=20)
    days: int | None = Field(None, ge=1, le=3660, description="How long it holds; for ever where left out.")


class FirstToken(NewToken):
    user: str | None = Field(None, max_length=200, description="Whose it is, where nobody is signed in yet.")
    password: str | None = Field(None, max_length=1000)


class NewLink(Body):
    purpose: Literal["recovery", "invitation"]
    user: str | None = Field(None, max_length=200, description="Whose password is set anew, for recovery.")


class Standing(Body):
    administrator: bool | None = None
    disabled: bool | None = None


class Choice(Body):
    value: str = Field(max_length=40)


class Me(BaseModel):
    """Whoever asks.

    Attributes:
        scopes: of the token that they came with; none where they came by a session.
    """

    account: Account
    scopes: list[str] | None


class Entered(BaseModel):
    """Somebody who has come in: their name, and what requests of their session carry in the header `x-form`."""

    name: str
    form: str


class MadeToken(BaseModel):
    """A token, which is shown this once."""

    id: int
    token: str
    user: str


class MadeLink(BaseModel):
    link: str


@ROUTES.post("/register", Rule.ANYONE, writes=False, limit="login", status_code=201)
def register(asked: Asked, body: Registration, response: Response) -> Entered:
    """Make an account, and come in."""
    applicant = entry.Applicant(name=body.name, password=body.password, display=body.display, email=body.email)
    return _entered(asked, response, entry.register(asked.platform, applicant, link=body.link))


@ROUTES.post("/login", Rule.ANYONE, writes=False, limit="login")
def login(asked: Asked, body: Login, response: Response) -> Entered:
    """Begin a session, whose cookie comes with the answer."""
    return _entered(asked, response, entry.login(asked.platform, body.name, body.password, asked.actor.address))


@ROUTES.post("/recover", Rule.ANYONE, writes=False, limit="login")
def recover(asked: Asked, body: Recovery, response: Response) -> Entered:
    """Take a new password by an administrator's link."""
    return _entered(asked, response, entry.recover(asked.platform, body.link, body.password))


@ROUTES.post("/logout", Rule.SIGNED_IN, status_code=204)
def logout(asked: Asked, response: Response) -> None:
    """End the session."""
    if asked.session is not None:
        sessions.end(asked.db, asked.session)
    forget(response, asked.platform.settings)


@ROUTES.get("/me", Rule.SIGNED_IN)
def me(asked: Asked) -> Me:
    """Who one is."""
    scopes = None if asked.actor.scopes is None else sorted(asked.actor.scopes)
    return Me(account=users.account(asked.db, _user(asked)), scopes=scopes)


@ROUTES.put("/me", Rule.SIGNED_IN)
def describe(asked: Asked, body: Description) -> Account:
    """Change what one says of oneself."""
    users.describe(asked.db, asked.actor, display=body.display, email=body.email, about=body.about)
    return users.account(asked.db, _user(asked))


@ROUTES.put("/me/password", Rule.SIGNED_IN, writes=False, limit="login")
def change_password(asked: Asked, body: NewPassword, response: Response) -> Entered:
    """Take a new password; all sessions end, but the one that comes with the answer."""
    if asked.session is None:
        raise Forbidden("a token changes no password: sign in with the old one")
    return _entered(asked, response, entry.change_password(asked.platform, asked.actor, body.old, body.new))


@ROUTES.get("/tokens", Rule.SIGNED_IN)
def listed(asked: Asked) -> list[tokens.Token]:
    """One's tokens, without their secrets."""
    return tokens.listed(asked.db, asked.actor)


@ROUTES.post("/tokens", Rule.ANYONE, writes=False, limit="login", status_code=201)
def add_token(asked: Asked, body: FirstToken) -> MadeToken:
    """Make a token: of who is signed in, or of `user` by `password`. Its text is shown this once."""
    actor = asked.actor
    if body.user is not None:
        actor = entry.checked(asked.platform, body.user, body.password or "", actor.address)
    elif not actor.signed_in:
        raise NotSignedIn("sign in first, or send user and password")
    with asked.platform.database.writing() as db:
        id, token = tokens.add(db, actor, body.name, body.scopes, days=body.days)
    return MadeToken(id=id, token=token, user=actor.name)


@ROUTES.delete("/tokens/{token}", Rule.SIGNED_IN, status_code=204)
def remove_token(asked: Asked, token: int) -> None:
    """Take a token back."""
    tokens.remove(asked.db, asked.actor, token)


@ROUTES.get("/users/{user}", Rule.ANYONE)
def profile(asked: Asked, user: str) -> Profile:
    """What everybody may see of somebody."""
    return users.profile(asked.db, user)


@ROUTES.get("/users", Rule.ADMINISTRATOR)
def all_users(
    asked: Asked,
    like: Annotated[str, Query(max_length=100, description="What occurs in name, display name or e-mail.")] = "",
    after: Annotated[str, Query(max_length=40, description="The last name of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Account]:
    """Users by name."""
    return users.accounts(asked.db, like=like, after=after, limit=limit)


@ROUTES.put("/users/{user}", Rule.ADMINISTRATOR)
def stand(asked: Asked, user: str, body: Standing) -> Account:
    """Make somebody an administrator or not, keep them out or let them in."""
    if body.administrator is not None:
        users.appoint(asked.db, asked.actor, user, administrator=body.administrator)
    if body.disabled is not None:
        users.disable(asked.db, asked.actor, user, disabled=body.disabled)
    return users.account(asked.db, users.row_of(asked.db, user).id)


@ROUTES.post("/links", Rule.ADMINISTRATOR, status_code=201)
def add_link(asked: Asked, body: NewLink) -> MadeLink:
    """Make a link that serves once, to be handed to whom it is for."""
    return MadeLink(link=links.add(asked.db, asked.actor, asked.platform.settings, body.purpose, body.user))


@ROUTES.get("/choices", Rule.ANYONE)
def all_choices(asked: Asked) -> dict[str, str]:
    """What holds for the whole platform."""
    return {name: choices.chosen(asked.db, name) for name in choices.ALLOWED}


@ROUTES.put("/choices/{choice}", Rule.ADMINISTRATOR)
def choose(asked: Asked, choice: str, body: Choice) -> dict[str, str]:
    """Choose for the whole platform, such as who may register."""
    choices.choose(asked.db, asked.actor, choice, body.value)
    return {choice: body.value}


def _user(asked: Asked) -> int:
    if asked.actor.user is None:
        raise NotSignedIn("sign in first")
    return asked.actor.user


def _entered(asked: Asked, response: Response, entered: entry.Entered) -> Entered:
    remember(response, asked.platform.settings, entered.cookie)
    with asked.platform.database.reading() as db:
        session = sessions.of(db, entered.cookie)
    return Entered(name=entered.name, form=session.form if session else "")
