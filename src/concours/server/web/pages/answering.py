"""How handlers of pages answer: with a page for whoever asks, or with another address; and what forms bring."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from concours.server.refusals import Refusal
from concours.server.web.pages.forms import Form
from concours.server.web.pages.named import named
from concours.server.web.pages.rendering import Head, answered, chosen, rendered
from concours.server.web.pages.words import WORDS
from concours.server.web.routes import Asking
from concours.server.web.texts.languages import language

_DIGITS: Final = 18
"""Nothing has a number so long, and no database takes a longer one."""

_FIELD = re.compile(r"([A-Za-z_][\w.]*(?:\[\d+\][\w.]*)*)(:?) (.+)", re.DOTALL)
"""`title: it is empty`, `phases[0].ends must be later`."""


def head_of(asked: Asking) -> Head:
    """What stands around a page for whoever asks."""
    called = named(asked.platform, asked.db)
    code, theme = chosen(asked.request, called)
    query = f"?{asked.request.url.query}" if asked.request.url.query else ""
    done = WORDS["done"].get(asked.request.query_params.get("done", ""), "")
    return Head(
        language=code,
        theme=theme,
        path=asked.request.url.path + query,
        name=asked.actor.name if asked.actor.signed_in else "",
        administrator=asked.actor.administrator,
        form=asked.form,
        said=language(code).say(done) if done else "",
        platform=called.name,
    )


def page(asked: Asking, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page from a template and values."""
    return answered(asked.request, rendered(template, head_of(asked), **values), status=status)


def seen(path: str, done: str = "", **query: Any) -> Response:
    """Another page, after something was done there. done: a key of `WORDS["done"]`, which that page says."""
    asked = urlencode({name: value for name, value in {**query, "done": done}.items() if value})
    return RedirectResponse(f"{quote(path, safe='/')}{'?' if asked else ''}{asked}", status_code=303)


async def _fields(request: Request) -> FormData:
    return await request.form(max_fields=2000, max_part_size=1 << 20)


Fields = Annotated[FormData, Depends(_fields)]
"""What a form brought; to be named after `asked`, so that the rule of the route holds first."""


def typed(fields: FormData) -> dict[str, str]:
    """The texts of a form, but for what keeps others from sending it."""
    return {name: value for name, value in fields.items() if isinstance(value, str) and name != "form"}


def numbered(text: str) -> int:
    """A number of something in the database, as a form brought it; 0 where that is none, which nothing has."""
    return int(text) if text.isdecimal() and len(text) < _DIGITS else 0


class Tried:
    """What came of an attempt: `form` is filled when it was refused, and `status` says how."""

    form: Form | None = None
    status: int = 200


@contextmanager
def tried(asked: Asking, kept: Mapping[str, str], *, names: Callable[[str], str] = str) -> Iterator[Tried]:
    """Does something that may be refused; then nothing of it stays, and the form is to be shown again.

    Args:
        kept: what was typed.
        names: from a field as a refusal names it to the form's.
    """
    outcome = Tried()
    try:
        if asked.db.closed:
            yield outcome
        else:
            with asked.db.begin_nested():
                yield outcome
    except Refusal as error:
        outcome.form, outcome.status = refused(error, kept, names=names), error.status


def refused(error: Refusal, kept: Mapping[str, str], *, names: Callable[[str], str] = str) -> Form:
    """A form that was refused: the reason stands beside the field that it begins with, or above all."""
    if (found := _FIELD.fullmatch(str(error))) and (field := names(found[1])) in kept:
        return Form(typed=kept, faults={field: found[3] if found[2] else str(error)})
    return Form(typed=kept, fault=str(error))
