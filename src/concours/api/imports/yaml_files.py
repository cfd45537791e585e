"""YAML of others: plain values alone, none beyond measure; a tag that names code is kept as a name and never run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import text_of
from concours.core.errors import DataError, MissingPackage
from concours.core.optional import install_command, installed
from concours.core.visible import shortened
from concours.tasks.readers.damage import damage_named

_MOST: Final = 2_000_000
"""Values of a file, aliases counted as often as they are named."""
_DEEPEST: Final = 60


@dataclass(frozen=True)
class Code:
    """What `!function` names: code of the other program."""

    name: str


def yaml_of(path: Path) -> Any:
    """The content of a YAML file: texts, numbers, truth values, lists, mappings with names of text, and `Code`.

    Numbers and truth values are those of YAML 1.2: `no` and `12:30` are texts, and so are dates.

    Raises:
        MissingPackage: PyYAML is not installed.
        DataError: it is no YAML, makes objects by tags, or is a bomb.
    """
    if not installed("yaml"):
        raise MissingPackage(f"PyYAML is needed to read {path.name}; get it with: {install_command('yaml')}")
    import yaml

    text = text_of(path)
    with damage_named(path.name):
        try:
            loader = _loader()(text)
            try:
                node = loader.get_single_node()
                _weigh(node, path.name, {}, 0)
                return None if node is None else _plain(loader.construct_document(node), path.name)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"line {mark.line + 1}: " if mark else ""
            raise DataError(f"{path.name}: {where}{shortened(str(error.problem or error.context), 200)}") from None


def mapping_of(path: Path) -> dict[str, Any]:
    """The same, of a file that is to hold a mapping."""
    content = yaml_of(path)
    if not isinstance(content, dict):
        raise DataError(f"{path.name}: expected a mapping, as in `task: …`")
    return content


_FORMS: Final = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}
"""What is written without quotes and is no text, with the letters that it begins with."""


@cache
def _loader() -> Any:
    """A loader of plain values."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("Plain", (base,), {"yaml_implicit_resolvers": {}})
    for tag, (form, first) in _FORMS.items():
        made.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{form})$"), list(first))
    made.add_constructor("!function", lambda _, node: Code(str(node.value)))
    made.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))
    return made


def _weigh(node: Any, name: str, known: dict[int, int], depth: int) -> int:
    """How many values a node comes to, with those of aliases. Raises DataError where there are too many of them."""
    if node is None or isinstance(node.value, str):
        return 1
    if depth > _DEEPEST or known.get(id(node)) == 0:
        raise DataError(f"{name}: values lie within one another too deeply, or within themselves")
    if id(node) not in known:
        known[id(node)] = 0  # under way
        pairs = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
        known[id(node)] = 1 + sum(_weigh(part, name, known, depth + 1) for part in pairs)
    if known[id(node)] > _MOST:
        raise DataError(f"{name}: its aliases come to more than {_MOST:,} values: it is refused as a bomb")
    return known[id(node)]


def _plain(value: Any, name: str) -> Any:
    """The value, with names of text in all mappings; nothing but what JSON knows, and code."""
    if isinstance(value, dict):
        return {_named(key, name): _plain(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, name) for item in value]
    if value is None or isinstance(value, (str, bool, int, float, Code)):
        return value
    raise DataError(f"{name}: expected texts, numbers, lists and mappings, got a {type(value).__name__}")


def _named(key: Any, name: str) -> str:
    if isinstance(key, (str, int, float)):
        return str(key)
    raise DataError(f"{name}: the name of a value must be a text")
