"""Scorers of hosts, and what they give: a function in a file of Python, or a program under the paths of Codabench."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from concours.core.digests import canonical_json
from concours.core.errors import RunStopped
from concours.engine.sandbox.python import PYTHON

SCORING: Final = "concours.engine.submitted.scoring"
"""The program that calls a scorer's function; it runs in the box."""

_TOLD: Final = "/concours/job.json"
_MOST_BYTES: Final = 1 << 20
_MOST: Final = 100
_LONGEST: Final = 200
_PATHS: Final = {"$program": "/app/program", "$input": "/app/input", "$output": "/app/output"}
"""Of older programs, in their commands."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a scorer is run: `written` are the files of which one has its numbers."""

    command: tuple[str, ...]
    files: Mapping[str, Path | bytes]
    out: str
    folder: str
    written: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a scorer gave: numbers; or why it refuses the file, for participants; or what is wrong, for hosts."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    told: str = ""
    wrong: str = ""


def program_of(params: Mapping[str, Any], folders: Mapping[str, Path]) -> Program:
    """How a scorer is run.

    Args:
        folders: of the `scorer`, the `truth`, and the `file` that is scored.

    Raises:
        RunStopped: it is no file of Python and has no command.
    """
    scorer, truth, file = (folders[name] for name in ("scorer", "truth", "file"))
    if command := params.get("command"):
        for old, new in _PATHS.items():
            command = command.replace(old, new)
        return Program(
            command=("sh", "-c", command),
            files={"/app/program": scorer, "/app/input/ref": truth, "/app/input/res": file},
            out="/app/output",
            folder="/app/program",
            written=("scores.json", "scores.txt"),
        )
    scripts = sorted(path.name for path in scorer.glob("*.py"))
    if not scripts:
        raise RunStopped("the competition's scorer is no file of Python, and has no command", cause="recipe")
    name = "score.py" if "score.py" in scripts else scripts[0]
    told = {"scorer": f"/scorer/{name}", **{key: params[key] for key in ("id", "split", "phase") if key in params}}
    return Program(
        command=(PYTHON, "-m", SCORING, _TOLD),
        files={"/scorer": scorer, "/truth": truth, "/file": file, _TOLD: canonical_json(told)},
        out="/out",
        folder="/out",
        written=("scores.json", "refused.txt"),
    )


def numbers_of(contents: Mapping[str, bytes]) -> Found:
    """What files of a scorer say. Nothing in them is believed: names are short, numbers are numbers, and finite."""
    if text := contents.get("refused.txt"):
        return Found(told=_line(text.decode(errors="replace")))
    for name, read in _READ.items():
        if (content := contents.get(name)) is not None:
            if len(content) > _MOST_BYTES:
                return Found(wrong=f"{name} has {len(content):,} bytes; some numbers were expected")
            return read(content)
    return Found(wrong=f"it ended well, and wrote no {' or '.join(_READ)}")


def _json(content: bytes) -> Found:
    try:
        return _checked(json.loads(content), "scores.json")
    except (ValueError, RecursionError) as error:
        return Found(wrong=f"scores.json is no JSON: {_line(str(error))}")


def _lines(content: bytes) -> Found:
    """`name: number`, a line each."""
    pairs = [line.partition(":") for line in content.decode(errors="replace").splitlines() if line.strip()]
    try:
        return _checked({name.strip(): float(value) for name, _, value in pairs}, "scores.txt")
    except ValueError as error:
        return Found(wrong=f"scores.txt has lines as `name: number`: {_line(str(error))}")


_READ: Final = {"scores.json": _json, "scores.txt": _lines}
"""By name: how a file of scores is read."""


def _checked(value: Any, name: str) -> Found:
    if not isinstance(value, dict) or not 0 < len(value) <= _MOST:
        return Found(wrong=f"{name} must hold up to {_MOST} numbers by name, got {_line(repr(value))}")
    for key, number in value.items():
        if not isinstance(number, (int, float)) or isinstance(number, bool) or not _is_finite(number):
            return Found(wrong=f"{name}: {_line(str(key))!r} must be a number, and finite, got {_line(repr(number))}")
        if not key.isprintable() or not 0 < len(key) <= _LONGEST:
            return Found(wrong=f"{name}: {_line(repr(key))} is no name of a number")
    return Found(numbers={key: float(number) for key, number in value.items()})


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _line(text: str) -> str:
    """The beginning of a text as one line that can be shown."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:_LONGEST]
