"""How a result is cited, and used: lines to copy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from concours.core.written import counted
from concours.report.lines import Report


def cited(value: Mapping[str, Any]) -> tuple[str, str]:
    """What names a result for others, in two lines: what was held, and the digest by which it is known again."""
    return f"{_title(value)}, {_kind(value)}, {_by(value)}, seed {value['seed']}", str(value["digest"])


def bibtex(value: Mapping[str, Any]) -> str:
    """The same for a bibliography. It has no year, as a result is the same whenever it is made."""
    key = re.sub(r"[^a-z0-9]+", "-", _title(value).lower()).strip("-") or "contest"
    short = str(value["digest"]).partition(":")[2][:8]
    about = f"{_kind(value)}, {counted(value['task']['rows'], 'row')}, seed {value['seed']}"
    fields = {
        "title": f"{{{_escaped(_title(value))}}}: a contest of {counted(len(value['lineup']), 'entrant')}",
        "howpublished": _by(value),
        "note": f"{about}, result {value['digest']}",
    }
    lines = "".join(f"  {name:<12} = {{{text}}},\n" for name, text in fields.items())
    return f"@misc{{{key}-{short},\n{lines}}}"


def usage(value: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """The lines that predict with the default model of the run folder `place`, in a shell and in Python.

    None where it cannot be asked for new rows.
    """
    if not Report(value).asked:
        return ()
    return (
        f"concours predict {shlex.quote(place)} NEW_ROWS -o predictions.csv",
        f"from concours import Result, predict\npredict(Result.load({place!r}), 'NEW_ROWS')",
    )


def _title(value: Mapping[str, Any]) -> str:
    return str(value["task"]["name"] or value["task"]["kind"])


def _kind(value: Mapping[str, Any]) -> str:
    return str(value["task"]["kind"])


def _by(value: Mapping[str, Any]) -> str:
    return f"Concours {value['versions'].get('concours', '')}".strip()


def _escaped(text: str) -> str:
    """A text in which TeX sees no signs of its own."""
    return re.sub(r"([#$%&_{}])", r"\\\1", text.replace("\\", "/"))
