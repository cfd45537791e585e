"""Line-aligned files: sentences, a line each, in a file a language, `train.en` beside `train.de`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, Files, entry_at, files_of, is_archive, member_of
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import PARTS, TABLES, TEXTS, content_names, part_of
from concours.tasks.readers.text import cleaned, decoded, refuse_packed

_LANGUAGE = re.compile(r"\.([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})?)$")
_PACKED = (".gz", ".bz2", ".xz")
_OTHERS = ("md", "rst", "py", "pdf", "xml", "db", "doc", "zip", "tar", "tgz", "png", "jpg", "gif", "wav", "mp3")
_NO_LANGUAGE = (*TABLES, *TEXTS, *(f".{other}" for other in _OTHERS))


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """Files of one folder, archive or beginning of names.

    Attributes:
        name: for people.
        stems: by the beginning of a name, the file of each language: `{"train": {"en": "train.en.gz", …}}`; of two
            languages at least.
    """

    name: str
    files: Files
    stems: Mapping[str, Mapping[str, str]]

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that every stem has."""
        return tuple(sorted(set.intersection(*map(set, self.stems.values()))))

    @property
    def parts(self) -> dict[str, list[str]]:
        """Stems by what their names say: `train`, `valid`, `test`; one alone is fitted on, and so is one that says
        nothing where none says `train`. The others are in none of these.
        """
        if len(self.stems) == 1:
            return {"train": list(self.stems), "valid": [], "test": []}
        said = {stem: part_of(f"{stem}.txt")[0] for stem in self.stems}
        named: dict[str, list[str]] = {part: [s for s in self.stems if said[s] == part] for part in PARTS}
        silent = [stem for stem in self.stems if said[stem] is None]
        if not named["train"]:
            named["train"] = silent
        return named

    def lines(self, stem: str, language: str, encoding: str | None) -> tuple[list[str], str | None]:
        """The lines of a file, empty ones too, and the encoding that was guessed, if one was."""
        return lines_at(self.files.entry(self.stems[stem][language]), encoding)


def aligned_at(path: Path) -> Aligned | None:
    """The line-aligned files in a folder or an archive, or whose names begin with a path, as `corpus/train` or
    `corpus.zip:train`; none where there are none.
    """
    if path.is_dir() or (path.is_file() and is_archive(path.name)):
        files, beginning = files_of(path), ""
    elif (inner := member_of(path)) is not None and inner[0].is_file():
        files, beginning = files_of(inner[0]), inner[1]
    elif not path.exists() and path.parent.is_dir():
        files, beginning = files_of(path.parent), path.name
    else:
        return None
    stems: dict[str, dict[str, str]] = {}
    for name in content_names(files):
        stem, language = language_of(name)
        if language and (not beginning or stem == beginning):
            stems.setdefault(stem, {})[language] = name
    pairs = {stem: found for stem, found in stems.items() if len(found) > 1}
    return Aligned(name=path.name, files=files, stems=pairs) if pairs else None


def language_of(name: str) -> tuple[str, str | None]:
    """The beginning of a name, and the language that its ending says: `train` and `en` of `train.en.gz`."""
    bare = name[: -len(PurePosixPath(name).suffix)] if name.lower().endswith(_PACKED) else name
    found = _LANGUAGE.search(bare)
    if found is None or found[0].lower() in _NO_LANGUAGE:
        return bare, None
    return bare[: found.start()], found[1]


def lines_at(entry: Entry, encoding: str | None = None) -> tuple[list[str], str | None]:
    """The lines of a text file, empty ones too, without blanks around; and the encoding that was guessed, if one was.

    Raises:
        DataError: the file is empty, or is no text.
    """
    with damage_named(entry.name), entry.open() as file:
        content = file.read()
    refuse_packed(content[:16], entry.name)
    (text,), guess = decoded([content], encoding, entry.name)
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", cleaned(text))]
    if lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise DataError(f"{entry.name} is empty")
    return lines, guess


def text_file(path: Path) -> Entry | None:
    """A file of lines of text, whatever language its name ends with; none of what its name says is a table."""
    if not path.is_file() or is_archive(path.name):
        return None
    bare = path.name[: -len(path.suffix)] if path.name.lower().endswith(_PACKED) else path.name
    suffix = PurePosixPath(bare.lower()).suffix
    is_lines = suffix in (*TEXTS, "") or language_of(path.name)[1] is not None
    return entry_at(path) if is_lines else None
