"""Files that a configuration of promptfoo names: those beside it are read, no code, and nothing that lies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import SMALL, json_of, rows_of, text_of
from concours.api.imports.imported import Notes
from concours.api.imports.yaml_files import yaml_of
from concours.core.errors import DataError

SCHEME: Final = "file://"
_CODE: Final = (".js", ".ts", ".mjs", ".cjs", ".py", ".rb", ".sh", ".go", ".pl")
_TEXTS: Final = (".txt", ".md", ".j2")
_TABLES: Final = (".csv", ".tsv", ".jsonl")


def is_code(name: str) -> bool:
    """Whether a name leads to a program, with a function behind a colon or without."""
    return name.startswith("exec:") or name.rpartition("/")[2].partition(":")[0].endswith(_CODE)


def _is_bare(name: str, what: str) -> bool:
    """Whether a text is the name of a file without `file://`: any of tests, and of prompts what ends as one."""
    named = name.endswith((*_TEXTS, *_TABLES, ".json", ".yaml", ".yml")) and not any(
        c.isspace() or c == "{" for c in name
    )
    return "://" not in name and (what == "tests" or (what == "prompts" and named))


def beside(name: str, folder: Path) -> list[Path]:
    """The files of `file://NAME`, where NAME may have `*`, in the folder of the configuration or below it.

    Raises:
        DataError: it leads elsewhere, or to nothing.
    """
    name = name.removeprefix(SCHEME).removeprefix("./")
    root = folder.resolve()
    found = sorted(root.glob(name)) if "*" in name and not name.startswith("/") else [root / name]
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise DataError(f"{name} lies outside of the folder of the configuration: put it there, and name it so")
    if not found or not found[0].is_file():
        raise DataError(f"{name}: there is no such file in the folder of the configuration")
    return found


def content(path: Path) -> Any:
    """What a file of values holds: YAML, JSON, rows of a table, or a text.

    Raises:
        DataError: it is damaged, or of another form.
    """
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        return yaml_of(path)
    if ending == ".json":
        return json_of(text_of(path), path.name)
    if ending in _TABLES:
        return rows_of(path)
    if ending in _TEXTS:
        return text_of(path, SMALL)
    raise DataError(f"{path.name}: expected {', '.join(('.yaml', '.json', *_TABLES, *_TEXTS))}")


def spread(given: Any, folder: Path, what: str, notes: Notes) -> Iterator[tuple[Any, Path | None]]:
    """Items of a list, or the one that there is; a name of a file is the file's content, with its path."""
    for item in given if isinstance(given, list) else [] if given is None else [given]:
        name = item.get("path") if isinstance(item, dict) and "path" in item and what == "tests" else item
        if not isinstance(name, str):
            yield item, None
        elif is_code(name):
            notes.leave(f"{what} {name}", "it is a program, and none is run")
        elif name.startswith(SCHEME) or _is_bare(name, what):
            for path in beside(name, folder):
                yield content(path), path
        elif "://" in name:
            notes.leave(f"{what} {name}", "nothing is fetched: save it in a file, and name that")
        else:
            yield item, None
