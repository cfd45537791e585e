"""Pages from templates: in the reader's language, with what stands around every page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from babel.support import Translations
from fastapi import Request
from fastapi.responses import Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

import concours
from concours.report.axis import NOTHING
from concours.report.axis import short as _short
from concours.server.web.markdown import marked_up
from concours.server.web.pages import static
from concours.server.web.pages.named import Named, preference
from concours.server.web.pages.words import WORDS
from concours.server.web.texts.languages import NAMES, Language, language, preferred

THEMES: Final = ("system", "light", "dark")
LANGUAGE, THEME = "language", "theme"
"""Cookies of what a reader chose."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands around a page, of its reader.

    Attributes:
        language: a key of `texts.languages.NAMES`.
        theme: one of `THEMES`.
        path: of this page, with what was asked, for ways back to it.
        name, display: of the reader; empty of a visitor.
        form: what forms carry against cross-site requests.
        said: a line about what was just done.
        platform: what it is called.
        known: whether it is known who reads; of a page about what went wrong it may not be.
    """

    language: str = "en"
    theme: str = "system"
    path: str = "/"
    name: str = ""
    display: str = ""
    administrator: bool = False
    form: str = ""
    said: str = ""
    known: bool = True
    platform: str = "Concours"

    @property
    def signed_in(self) -> bool:
        return bool(self.name)


def score(value: float | None) -> str:
    """A score on its own; those of a board have the decimals of its intervals."""
    return _short(value, 5)


def ends(interval: Sequence[float] | None) -> str:
    """An interval, as `[low, high]`."""
    return NOTHING if interval is None else f"[{score(interval[0])}, {score(interval[1])}]"


@cache
def environment(code: str) -> Environment:
    """Where templates are found, for one language."""
    spoken = language(code)
    found = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("concours.server.web"),
                PrefixLoader({"report": PackageLoader("concours.report")}),
            ]
        ),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    texts: Translations = spoken.texts
    found.install_gettext_callables(texts.ugettext, texts.ungettext, newstyle=True)  # type: ignore[attr-defined]
    found.policies["ext.i18n.trimmed"] = True
    found.globals["ngettext"] = partial(_counted, spoken)
    found.filters |= {
        "number": spoken.number,
        "share": spoken.share,
        "size": spoken.size,
        "moment": spoken.moment,
        "distance": lambda at: spoken.distance(at, datetime.now(UTC)),
        "lasting": spoken.lasting,
        "word": lambda key, of: spoken.say(WORDS[of].get(key, key)),
        "markdown": marked_up,
        "score": score,
        "ends": ends,
        "digest": lambda text: text.removeprefix("sha256:")[:12],
    }
    found.tests["ahead"] = lambda at: datetime.fromisoformat(at) > datetime.now(UTC)
    found.globals |= {
        "static": static.address,
        "release": concours.__version__,
        "tag": spoken.tag,
        "LANGUAGES": NAMES,
        "THEMES": THEMES,
    }
    return found


def _counted(spoken: Language, one: str, many: str, count: int, **values: Any) -> Markup:
    """A text for so many things; `%(num)s` is their number as the language writes it."""
    said = spoken.texts.ungettext(one, many, count)  # type: ignore[attr-defined]
    return Markup(said) % {"num": spoken.number(count), **values}


def rendered(template: str, head: Head, **values: Any) -> str:
    """The page that a template makes of values."""
    return environment(head.language).get_template(f"{template}.html.j2").render(head=head, **values)


def answered(request: Request, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page as it is sent: nothing, if the reader has it already."""
    content = text.encode("utf-8", "replace")
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    kept = {"etag": tag, "cache-control": "private, no-cache", "vary": "accept-language, cookie", **(headers or {})}
    if status == 200 and request.method in ("GET", "HEAD") and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=kept)
    return Response(content, status_code=status, media_type="text/html; charset=utf-8", headers=kept)


def chosen(request: Request, of: Named) -> tuple[str, str]:
    """The reader's language and theme. of: what administrators chose."""
    theme = request.cookies.get(THEME, "")
    code = preferred(preference(request.cookies, LANGUAGE, of), request.headers.get("accept-language", ""))
    return code, theme if theme in THEMES else THEMES[0]
