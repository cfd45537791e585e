"""The formats of evaluations that are read, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from concours.core.errors import ContestError, nearest
from concours.tasks.readers.damage import existing

IMPORTERS: Final[Mapping[str, str]] = {
    "lm-eval": "concours.api.imports.lm_eval:read",
    "promptfoo": "concours.api.imports.promptfoo:read",
    "inspect": "concours.api.imports.inspect_logs:read",
    "mtbench": "concours.api.imports.mtbench:read",
}
"""By what a source begins with, before a colon: what makes an `Imported` of a path and of the folder of the contest's
files, as `module:attribute`.
"""


def importer(source: str) -> tuple[str, Path]:
    """What reads a source, and its path.

    Raises:
        ContestError: it names no format that is known. DataError: there is nothing of that path.
    """
    name, colon, path = source.partition(":")
    if not colon or name not in IMPORTERS:
        form = f"{name if name in IMPORTERS else 'lm-eval'}:PATH"
        raise ContestError(
            f"{source!r}: expected the name of a format and a path, as {form}; {nearest(name, IMPORTERS)}"
        )
    return IMPORTERS[name], existing(Path(path))
