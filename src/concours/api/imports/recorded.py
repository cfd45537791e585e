"""Answers that other programs have recorded: a file for each model, and its table of an entrant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from concours.api.imports.imported import Row
from concours.api.imports.questions import FILE
from concours.contest.contest_text import EntrantText

BATTLES, VERDICTS = "battles.jsonl", "verdicts.jsonl"
"""Files of what judges said."""

_WHY: Final = (
    "as of models that are asked here, it is taken that they were not trained on these questions; else write "
    'seen = "unknown", by which a model is judged by the test part alone, and joins nobody'
)


def recorded(answers: Mapping[str, Sequence[Row]], into: str) -> tuple[list[EntrantText], dict[str, Sequence[Row]]]:
    """Tables of entrants, and their files, for the answers of some models by name."""
    tables: list[EntrantText] = []
    files: dict[str, Sequence[Row]] = {}
    for name, rows in answers.items():
        file = _free(f"{into}/{plain(name)}", files)
        files[file] = rows
        keys = {"name": called(name), "recipe": f"recorded:{file}", "seen": "none"}
        tables.append(EntrantText(keys=keys, why=_WHY if not tables else ""))
    return tables, files


def plain(name: str) -> str:
    """The name of a model as that of a file, without ending: letters, digits, and `._-` within."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-")[:80] or "model"


def called(name: str) -> str:
    """The name of a model as that of an entrant: on one line, without blanks around it."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:120] or "model"


def _free(path: str, taken: Mapping[str, object]) -> str:
    """The file of a path that no other has, whatever the case of letters, nor questions or verdicts have."""
    folder = path.rpartition("/")[0]
    used = {name.casefold() for name in (*taken, *(f"{folder}/{own}" for own in (FILE, BATTLES, VERDICTS)))}
    number, file = 1, f"{path}.jsonl"
    while file.casefold() in used:
        number += 1
        file = f"{path}-{number}.jsonl"
    return file
