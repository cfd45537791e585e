"""What was read of another platform's competition, and what the readers of their formats share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from concours.api.imports.files import text_of
from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.server.hosting.competition import Competition
from concours.server.hosting.texts import slug_of

Left = tuple[str, str]
"""What could not be carried over, or not as it was, and why or what became of it."""

_TITLES: Final = ("title", "subtitle", "licence", "contact")
_DATES: Final = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%m-%d-%Y",
    "%m-%d-%Y %H:%M",
    "%m-%d-%Y %H:%M:%S",
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A competition of another platform.

    Attributes:
        format: what it was, in words.
        files: of the folder to write, by their path in it: content, or a file or a folder to copy.
        left: what could not be carried over, or was taken otherwise than it stands.
    """

    format: str
    competition: Competition
    files: Mapping[str, bytes | Path]
    left: tuple[Left, ...] = ()


@dataclass
class Reading:
    """What is gathered while a competition is read."""

    folder: Path
    now: datetime
    files: dict[str, bytes | Path] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, what: str, why: str) -> None:
        """Reports something once."""
        if (what, why) not in self.left:
            self.left.append((what, why))

    def inside(self, path: Any, what: str) -> Path | None:
        """The file or the folder of theirs that a path names; none, with a report, where it is not there.

        Raises:
            DataError: it leads out of the competition, by itself or by a link.
        """
        if not isinstance(path, str) or not path.strip():
            return None
        parts = PurePosixPath(path.strip().replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"{what}: {shortened(visible(path), 100)!r} leads out of the competition: it is refused")
        place = self.folder / parts
        if not place.resolve().is_relative_to(self.folder.resolve()):
            raise DataError(f"{what}: {shortened(visible(path), 100)!r} is a link that leads out of it: it is refused")
        if not place.exists():
            self.leave(what, f"there is no {shortened(visible(path), 100)} in it")
            return None
        return place

    def text(self, path: Any, what: str) -> str:
        """The text of a file of theirs; empty where there is none."""
        place = self.inside(path, what)
        return text_of(place) if place and place.is_file() else ""

    def page(self, name: str, title: str, text: str) -> dict[str, str]:
        """Keeps a page in Markdown; what stands in HTML is cleaned where it is shown."""
        file = f"pages/{name}.md"
        self.files[file] = (text.strip() or f"# {title}").encode() + b"\n"
        return {"title": title.strip()[:200] or name, "file": file}

    def moment(self, value: Any, what: str) -> str:
        """A date of theirs as a moment of UTC; empty, with a report, where it is none."""
        if value is None or not (text := str(value).strip()):
            return ""
        for read in (datetime.fromisoformat, *(_reading(form) for form in _DATES)):
            try:
                moment = read(text)
            except ValueError:
                continue
            if moment.tzinfo is None:
                self.leave(what, f"{visible(text)} has no time zone: taken as UTC")
                moment = moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC).isoformat()
        self.leave(what, f"{shortened(visible(text), 60)!r} is no date that is known: write one in competition.toml")
        return ""


def _reading(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)


def competition_of(value: Mapping[str, Any]) -> Competition:
    """A competition as it was read; of its titles what is not seen is left out, and lines are one.

    Raises:
        ContentRefused: it is none; which key, and why.
    """
    return Competition.from_json(_with_titles(value))


def _with_titles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _title(item) if name in _TITLES and isinstance(item, str) else _with_titles(item)
            for name, item in value.items()
        }
    return [_with_titles(item) for item in value] if isinstance(value, list) else value


def _title(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if visible(letter) == letter)


def keys_of(names: Iterable[Any], usual: str) -> list[str]:
    """A key for each name, all different."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        key = slug_of(str(name or ""))[:40].strip("-")
        key = key if name and key != "competition" else f"{usual}-{number}"
        found.append(key if key not in found else f"{key}-{number}")
    return found


def in_order(begins: list[str], now: datetime) -> list[str]:
    """When phases begin, where some do not say: when the one before does, or now."""
    found: list[str] = []
    for moment in begins:
        found.append(moment or (found[-1] if found else now.isoformat()))
    return found


def whole(value: Any) -> int | None:
    """A whole number above 0 that a value is or writes; none else."""
    text = str(value).strip() if not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and int(text) > 0 else None


def listed(value: Any) -> list[dict[str, Any]]:
    """The mappings of a list, or of a mapping of them; what else stands in it is left out."""
    items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [dict(item) for item in items if isinstance(item, Mapping)]


def parsed(text: str, name: str) -> ast.Module:
    """The source of a Python file, read and not run. Raises DataError where it is none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{name} is no Python: {shortened(visible(str(error)), 100)}") from None


def functions_of(module: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions of a module by their names."""
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}


def arguments_of(function: ast.FunctionDef) -> list[str]:
    """The names of a function's arguments, in order."""
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
