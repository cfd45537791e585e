"""The texts of pages, gathered from templates and code, for catalogues.

`python -m concours.server.web.texts.gathering` brings the catalogues up to date: new texts come in empty, old ones go.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from concours.server.web.texts.languages import NAMES

_OPTIONS = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}


def gathered() -> Catalog:
    """All texts that pages may say, in the order of the files that have them."""
    web = Path(str(files("concours.server.web")))
    catalogue = Catalog(project="concours", fuzzy=False)
    for path in sorted([*web.glob("templates/*.j2"), *web.glob("pages/*.py")]):
        for text, context in _texts(path):
            catalogue.add(text, context=context)
    return catalogue


def _texts(path: Path) -> Iterator[tuple[Any, str | None]]:
    template = path.suffix == ".j2"
    method = "jinja2.ext:babel_extract" if template else "python"
    keywords: Any = {"_": None, "ngettext": (1, 2)} if template else {"N_": None}
    with path.open("rb") as file:
        for _, text, _, context in extract(method, file, keywords=keywords, options=_OPTIONS if template else {}):
            yield text, context


def updated(known: Catalog) -> Catalog:
    """All texts, with the translations that are known."""
    found = gathered()
    for message in found:
        if message.id and (before := known.get(message.id)) is not None:
            message.string = before.string
    return found


def write(code: str) -> None:
    """Brings the catalogue of a language up to date."""
    path = Path(str(files("concours.server.web.texts"))) / f"{code}.po"
    known = read_po(BytesIO(path.read_bytes()), locale=code) if path.exists() else Catalog(locale=code)
    made = Catalog(locale=code)
    for message in updated(known):
        if message.id:
            made.add(message.id, message.string)
    with path.open("wb") as file:
        file.write(_HEADER.format(name=NAMES[code], code=code, plurals=made.plural_forms).encode())
        write_po(file, made, width=0, omit_header=True, include_lineno=False)


_HEADER = """# {name}
msgid ""
msgstr ""
"Language: {code}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


if __name__ == "__main__":
    for code in list(NAMES)[1:]:
        write(code)
