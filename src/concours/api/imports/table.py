"""The formats of evaluations that are read, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from concours.core.errors import ContestError, nearest
from concours.tasks.readers.damage import existing


@dataclass(frozen=True, kw_only=True)
class Importer:
    """A format.

    Attributes:
        takes: what its path is, as people write it.
        reader: from a path and the folder of the contest's files to an `Imported`, as `module:attribute`.
    """

    takes: str
    reader: str


IMPORTERS: Final[Mapping[str, Importer]] = {
    "lm-eval": Importer(takes="TASK.yaml", reader="concours.api.imports.lm_eval:read"),
    "promptfoo": Importer(takes="CONFIG.yaml", reader="concours.api.imports.promptfoo:read"),
    "inspect": Importer(takes="LOG.json", reader="concours.api.imports.inspect_logs:read"),
    "mtbench": Importer(takes="DIR", reader="concours.api.imports.mtbench:read"),
}
"""By what a source begins with, before a colon."""


def importer(source: str) -> tuple[Importer, Path]:
    """The format of a source, and its path.

    Raises:
        ContestError: it names no format that is known. DataError: there is nothing of that path.
    """
    name, colon, path = source.partition(":")
    if not colon or name not in IMPORTERS:
        forms = ", ".join(f"{name}:{one.takes}" for name, one in IMPORTERS.items())
        raise ContestError(
            f"{source!r}: expected the name of a format and a path, one of {forms}; {nearest(name, IMPORTERS)}"
        )
    return IMPORTERS[name], existing(Path(path))
