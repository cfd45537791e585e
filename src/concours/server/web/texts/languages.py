"""Languages of the pages: catalogues, numbers, moments, plurals.

English is the source: its texts stand in the templates. Another language is a catalogue of GNU gettext beside this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel import Locale, negotiate_locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations
from babel.units import format_unit
from markupsafe import Markup

NAMES: Final = {"en": "English", "zh": "中文"}
"""The languages, each by its own name. The first is the source."""

_SIZES = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")


@dataclass(frozen=True)
class Language:
    """One language: how texts are said in it and numbers and moments are written.

    Attributes:
        code: a key of `NAMES`.
    """

    code: str
    texts: Translations

    @property
    def locale(self) -> Locale:
        return Locale.parse({"zh": "zh_Hans_CN"}.get(self.code, self.code))

    @property
    def tag(self) -> str:
        """As HTML names it."""
        return {"zh": "zh-CN"}.get(self.code, self.code)

    def say(self, text: str) -> str:
        """A text of the catalogue; as it is where it has none."""
        return self.texts.gettext(text)

    def number(self, value: float, digits: int = 6) -> str:
        """A number with at most so many decimals."""
        return format_decimal(round(value, digits), locale=self.locale)

    def share(self, value: float) -> str:
        """A share in [0, 1] in percent."""
        return format_percent(value, format="#,##0.#%", locale=self.locale)

    def size(self, count: float) -> str:
        """A size in bytes, in a unit of powers of a thousand."""
        power = 0
        while count >= 1000 and power < len(_SIZES) - 1:
            count, power = count / 1000, power + 1
        written = round(count, 1) if power and count < 100 else round(count)
        return format_unit(written, f"digital-{_SIZES[power]}", "short", locale=self.locale)

    def moment(self, at: str) -> Markup:
        """A moment in UTC, marked so that the script may show it in the reader's own zone."""
        when = _parsed(at)
        said = format_datetime(when, _PATTERNS[self.code], locale=self.locale)
        return Markup('<time datetime="{}">{} UTC</time>').format(when.isoformat().replace("+00:00", "Z"), said)

    def distance(self, at: str, now: datetime) -> str:
        """How far a moment is from now: `in 3 days`, `2 hours ago`."""
        return format_timedelta(_parsed(at) - now, add_direction=True, threshold=1.5, locale=self.locale)

    def lasting(self, seconds: float) -> str:
        """A stretch of time."""
        return format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=self.locale)


_PATTERNS = {"en": "d MMM y, HH:mm", "zh": "y年M月d日 HH:mm"}


@cache
def language(code: str) -> Language:
    """The language of a code of `NAMES`."""
    if code == next(iter(NAMES)):
        return Language(code, Translations())
    with (files("concours.server.web.texts") / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(code, Translations(compiled))


def preferred(chosen: str | None, accepted: str) -> str:
    """The code of the language for a reader who chose one, or whose browser sends this `Accept-Language`."""
    if chosen in NAMES:
        return chosen
    found = negotiate_locale(_ordered(accepted), list(NAMES), sep="-")
    return found or next(iter(NAMES))


def _ordered(accepted: str) -> Sequence[str]:
    """The tags of an `Accept-Language`, the most wanted first; without their regions too."""
    wanted = []
    for place, part in enumerate(accepted[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag.lower()))
        except ValueError:
            continue
    return [name for _, _, tag in sorted(wanted) for name in (tag, tag.partition("-")[0])]


def _parsed(at: str) -> datetime:
    return datetime.fromisoformat(at.replace("Z", "+00:00"))
