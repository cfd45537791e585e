"""Coming in, going out, one's account, and what others see of somebody."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import RedirectResponse, Response

from concours.server.accounts import choices, entry, links, sessions, tokens, users
from concours.server.accounts.entry import Entered
from concours.server.accounts.openid import OpenId
from concours.server.actor import Actor
from concours.server.refusals import NotSignedIn, Refusal
from concours.server.services.access import Rule
from concours.server.web.pages.answering import Fields, page, refused, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.pages.words import N_
from concours.server.web.redirects import local_path
from concours.server.web.routes import Asked, Asking, Routes
from concours.server.web.who import forget, remember

ROUTES = Routes(pages=True)

Next = Annotated[str, Query(max_length=2000)]


@ROUTES.get("/login", Rule.ANYONE)
def login(asked: Asked, next: Next = "/") -> Response:
    """The form to sign in."""
    if asked.actor.signed_in:
        return RedirectResponse(local_path(next), status_code=303)
    return _login(asked, EMPTY, next)


@ROUTES.post("/login", Rule.ANYONE, writes=False, limit="login")
def sign_in(asked: Asked, fields: Fields) -> Response:
    """Begins a session."""
    given = typed(fields)
    try:
        entered = entry.login(asked.platform, given.get("name", ""), given.get("password", ""), asked.actor.address)
    except Refusal as error:
        return _login(asked, refused(error, given), given.get("next", "/"), status=error.status)
    return _entered(asked, entered, given.get("next", "/"))


@ROUTES.post("/logout", Rule.ANYONE)
def sign_out(asked: Asked) -> Response:
    """Ends the session."""
    if asked.session is not None:
        sessions.end(asked.db, asked.session)
    answer = seen("/", "out")
    forget(answer, asked.platform.settings)
    return answer


@ROUTES.get("/register", Rule.ANYONE)
def register(asked: Asked, next: Next = "/") -> Response:
    """The form to make an account, where everybody may."""
    why = "" if choices.chosen(asked.db, "registration") == "open" else _BY_INVITATION
    return _registering(asked, EMPTY, "register", next, refused=why)


@ROUTES.post("/register", Rule.ANYONE, writes=False, limit="login")
def make_account(asked: Asked, fields: Fields) -> Response:
    """Makes an account, and comes in."""
    return _register(asked, typed(fields), "register", None)


@ROUTES.get("/links/{secret}", Rule.ANYONE, limit="login")
def link(asked: Asked, secret: str) -> Response:
    """What a link that serves once is for."""
    found = links.look(asked.db, secret)
    return _registering(asked, EMPTY, found.purpose, "/", action=f"/links/{secret}")


@ROUTES.post("/links/{secret}", Rule.ANYONE, writes=False, limit="login")
def use_link(asked: Asked, secret: str, fields: Fields) -> Response:
    """Uses it."""
    given = typed(fields)
    with asked.platform.database.reading() as db:
        purpose = links.look(db, secret).purpose
    if purpose != "recovery":
        return _register(asked, given, purpose, secret)
    try:
        entered = entry.recover(asked.platform, secret, given.get("password", ""))
    except Refusal as error:
        form = refused(error, given)
        return _registering(asked, form, purpose, "/", action=f"/links/{secret}", status=error.status)
    return _entered(asked, entered, "/")


@ROUTES.get("/account", Rule.SIGNED_IN)
def account(asked: Asked) -> Response:
    """One's own account."""
    return _account(asked)


@ROUTES.post("/account", Rule.SIGNED_IN)
def describe(asked: Asked, fields: Fields) -> Response:
    """Changes what one says of oneself."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        users.describe(
            asked.db,
            asked.actor,
            display=given.get("display", ""),
            email=given.get("email", ""),
            about=given.get("about", "").replace("\r\n", "\n"),
        )
    if outcome.form:
        return _account(asked, profile=outcome.form, status=outcome.status)
    return seen("/account", "kept")


@ROUTES.post("/account/password", Rule.SIGNED_IN, writes=False, limit="login")
def change_password(asked: Asked, fields: Fields) -> Response:
    """Takes a new password; all other sessions end."""
    given = typed(fields)
    try:
        entered = entry.change_password(asked.platform, asked.actor, given.get("old", ""), given.get("new", ""))
    except Refusal as error:
        with asked.platform.database.reading() as db:
            form = refused(error, given)
            return _account(asked, account=users.account(db, _own(asked.actor)), password=form, status=error.status)
    return _entered(asked, entered, "/account?done=password")


@ROUTES.post("/account/tokens", Rule.SIGNED_IN)
def add_token(asked: Asked, fields: Fields) -> Response:
    """Makes a token, and shows it this once."""
    scopes = [value for value in fields.getlist("scope") if isinstance(value, str)]
    given = {**typed(fields), "scopes": " ".join(scopes)}
    days = given.get("days", "")
    made = ""
    with tried(asked, given) as outcome:
        _, made = tokens.add(
            asked.db, asked.actor, given.get("name", ""), scopes, days=int(days) if days.isdecimal() else None
        )
    return _account(asked, made=made, token=outcome.form, status=outcome.status)


@ROUTES.post("/account/tokens/{token}/delete", Rule.SIGNED_IN)
def remove_token(asked: Asked, token: int) -> Response:
    """Takes a token back."""
    tokens.remove(asked.db, asked.actor, token)
    return seen("/account", "deleted")


_BY_INVITATION = N_("Registration is by invitation here: ask an administrator for a link.")


def _login(asked: Asking, form: Form, next: str, *, status: int = 200) -> Response:
    with asked.platform.database.reading() as db:
        registration = choices.chosen(db, "registration") == "open"
    provider: OpenId | None = asked.request.app.state.openid
    return page(
        asked,
        "sign_in",
        status=status,
        form=form,
        next=local_path(next),
        registration=registration,
        openid=provider.shown if provider else "",
    )


def _registering(
    asked: Asking, form: Form, why: str, next: str, *, action: str = "/register", refused: str = "", status: int = 200
) -> Response:
    return page(
        asked,
        "register",
        status=status,
        form=form,
        why=why,
        next=local_path(next),
        action=action,
        refused=refused,
    )


def _register(asked: Asking, given: dict[str, str], why: str, secret: str | None) -> Response:
    next = given.get("next", "/")
    applicant = entry.Applicant(
        name=given.get("name", ""),
        password=given.get("password", ""),
        display=given.get("display", ""),
        email=given.get("email") or None,
    )
    try:
        entered = entry.register(asked.platform, applicant, link=secret)
    except Refusal as error:
        action = "/register" if secret is None else f"/links/{secret}"
        return _registering(asked, refused(error, given), why, next, action=action, status=error.status)
    return _entered(asked, entered, next)


def _entered(asked: Asking, entered: Entered, next: str) -> Response:
    answer = RedirectResponse(local_path(next), status_code=303)
    remember(answer, asked.platform.settings, entered.cookie)
    return answer


def _account(
    asked: Asking,
    *,
    account: users.Account | None = None,
    made: str = "",
    profile: Form | None = None,
    password: Form = EMPTY,
    token: Form | None = None,
    status: int = 200,
) -> Response:
    with asked.platform.database.reading() as db:
        mine = tokens.listed(db if asked.db.closed else asked.db, asked.actor)
    if account is None:
        account = users.account(asked.db, _own(asked.actor))
    said = {"display": account.display, "email": account.email or "", "about": account.about}
    return page(
        asked,
        "account",
        status=status,
        a=account,
        made=made,
        profile=profile or Form(typed=said),
        password=password,
        token=token or EMPTY,
        tokens=mine,
        scopes=[scope for scope in tokens.SCOPES if asked.actor.administrator or scope not in ("admin", "watch")],
    )


def _own(actor: Actor) -> int:
    if actor.user is None:
        raise NotSignedIn("sign in first")
    return actor.user
