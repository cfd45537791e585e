"""All that a host declares of a competition as the fields of one form, and back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from concours.server.refusals import Unfit

REPEATED: Final = ("phases", "boards", "baselines")
"""What there may be several of; the fields of the second phase begin with `phases.1.`."""

_PLAIN: Final = ("title", "subtitle", "slug", "licence", "contact", "visibility", "guard")
_TASK: Final = ("kind", "target", "id", "data", "test")

KINDS: Final = (
    "tabular-classification", "tabular-regression", "text-classification", "image-classification",
    "speech-recognition", "audio-classification", "video-classification",
    "sequence-classification", "sequence-regression", "remaining-useful-life",
    "forecasting", "anomaly-detection", "tabular-anomaly-detection",
    "ranking", "multi-output", "survival", "clustering", "translation",
    "text-pairs", "text-similarity", "summarization", "language-modelling", "object-detection", "segmentation",
    "image-generation",
    "question-answering", "multiple-choice", "text-generation",
    "recommendation", "rating",
)  # fmt: skip
"""Of tasks that can be hosted, by name: `tasks.kinds` imports what the web process must not."""

_Read = Callable[[str], Any]


def _whole(text: str) -> Any:
    """A whole number; none of an empty field; what is none stays as it was typed, and is refused where it is read."""
    return (int(text) if text.lstrip("-").isdecimal() else text) if text else None


def _real(text: str) -> Any:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


_OF_ONE: Final[Mapping[str, Mapping[str, _Read]]] = {
    "phases": {
        "title": str,
        "key": str,
        "begins": str,
        "ends": str,
        "limits.per_day": _whole,
        "limits.total": _whole,
        "limits.seconds": _real,
        "limits.memory_gb": _real,
        "limits.disk_gb": _real,
        "public": _real,
        "board": str,
        "takes": _names,
        "truth": str,
        "inputs": str,
        "hand_over": bool,
    },
    "boards": {"title": str, "key": str, "metrics": _names, "rank": str, "hidden": bool},
    "baselines": {"name": str, "recipe": str, "predictions": str, "code": str},
}
"""Fields of one of each, and how what was typed is read."""

_REQUIRED: Final = ("limits.seconds", "limits.memory_gb", "limits.disk_gb")
"""What has a value of its own where nothing was typed."""


def counts(settings: Mapping[str, Any]) -> dict[str, int]:
    """How many there are of what repeats."""
    return {name: len(settings.get(name) or ()) for name in REPEATED}


def counts_of(typed: Mapping[str, str]) -> dict[str, int]:
    """The same of a form; a row counts if it has any field."""
    found = dict.fromkeys(REPEATED, 0)
    for field in typed:
        name, _, rest = field.partition(".")
        number = rest.partition(".")[0]
        if name in found and number.isdecimal() and len(number) < 4:
            found[name] = max(found[name], int(number) + 1)
    return found


def typed_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form of settings."""
    found = {name: _shown(settings.get(name)) for name in _PLAIN}
    found["seed"] = _shown(settings.get("seed"))
    task = dict(settings.get("task") or {})
    for name in _TASK:
        if isinstance(task.get(name, ""), str):
            found[f"task.{name}"] = task.pop(name, "")
    found["task.metrics"] = _shown(task.pop("metrics", ()))
    found["task.more"] = "\n".join(_toml(task))
    found["teams.most"] = _shown(settings["teams"]["most"])
    found["teams.merge_until"] = settings["teams"]["merge_until"]
    found["alliance.shown"] = "yes" if settings["alliance"]["shown"] else ""
    for name, fields in _OF_ONE.items():
        for number, one in enumerate(settings.get(name) or ()):
            found |= {f"{name}.{number}.{field}": _shown(_at(one, field)) for field in fields}
    if arena := settings.get("arena"):
        found |= {f"arena.{name}": _shown(value) for name, value in arena.items()}
    found["scorer"] = "\n".join(_toml(_said(settings.get("scorer") or {})))
    return found


def changes_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """What a form asks to be changed (`services.editing.edit`). Raises Unfit: a part is no TOML."""
    found: dict[str, Any] = {name: typed.get(name, "").strip() for name in _PLAIN if name in typed}
    found["teams"] = {
        "most": _whole(typed.get("teams.most", "1")),
        "merge_until": typed.get("teams.merge_until", "").strip(),
    }
    kept = counts_of(typed)
    for name in REPEATED:
        if name == "phases" or "seed" in typed:
            found[name] = [_one(name, number, typed) for number in _left(name, kept[name], typed)]
    if "arena.prompts" in typed:
        votes = _whole(typed.get("arena.votes_per_day", ""))
        found["arena"] = {"prompts": typed["arena.prompts"].strip(), "votes_per_day": votes}
    if "seed" in typed:
        found["seed"] = _whole(typed["seed"]) or 0
        found["alliance"] = {"shown": bool(typed.get("alliance.shown"))}
        found["task"] = _task(typed)
        scorer = _read_toml("scorer", typed.get("scorer", ""))
        found["scorer"] = scorer or None
    return found


def more_of(name: str, number: int) -> dict[str, str]:
    """What stands in a row that is added."""
    if name == "phases":
        return {f"phases.{number}.{field}": text for field, text in _NEW_PHASE.items()}
    return {f"{name}.{number}.{next(iter(_OF_ONE[name]))}": ""}


_NEW_PHASE: Final = {
    "title": "",
    "key": "next",
    "board": "visible",
    "takes": "predictions",
    "limits.seconds": "3600",
    "limits.memory_gb": "4",
    "limits.disk_gb": "2",
}


def _one(name: str, number: int, typed: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, read in _OF_ONE[name].items():
        value = read(typed.get(f"{name}.{number}.{field}", "").strip())
        if value is None and field in _REQUIRED:
            continue
        first, _, second = field.partition(".")
        if second:
            found.setdefault(first, {})[second] = value
        else:
            found[first] = value
    return found


def _left(name: str, count: int, typed: Mapping[str, str]) -> Iterator[int]:
    """The rows that stay: those that are not to be removed, and have something in them."""
    for number in range(count):
        start = f"{name}.{number}."
        filled = any(typed.get(start + field, "").strip() for field in ("title", "key", "name"))
        if not typed.get(f"{start}remove") and (filled or name == "phases"):
            yield number


def _task(typed: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: text for name in _TASK if (text := typed.get(f"task.{name}", "").strip())}
    if metrics := _names(typed.get("task.metrics", "")):
        found["metrics"] = metrics
    return {**_read_toml("task.more", typed.get("task.more", "")), **found}


def _read_toml(field: str, text: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text)
        json.dumps(found)
    except (tomllib.TOMLDecodeError, TypeError, RecursionError) as error:
        raise Unfit(f"{field}: this is no TOML: {error}") from None
    return found


def _toml(value: Mapping[str, Any]) -> Iterator[str]:
    for name, item in value.items():
        yield f"{name} = {_written(item)}"


def _written(value: Any) -> str:
    """JSON as TOML writes it in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _said(value: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from nothing."""
    return {name: item for name, item in value.items() if item not in ("", None, [], ())}


def _at(one: Mapping[str, Any], field: str) -> Any:
    first, _, second = field.partition(".")
    return one[first][second] if second else one.get(first)


def _shown(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
