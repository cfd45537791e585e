"""Versions of our own runners: code that a runner reaches is not edited without one saying so.

`pins.json` has, of each runner, its version and the digest of the code of all modules that it reaches. Where the code has
changed, either its bytes may have: then its version is raised in `concours/engine/runners/__init__.py`, so that jobs in
run folders are done again. Or they cannot have. Both are recorded by `python tests/engine/test_pins.py`.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import concours
from concours.engine.runners import RUNNERS

PINS = Path(__file__).with_name("pins.json")
ROOT = Path(concours.__file__).parents[1]
ROOMS = ("kernels", "tasks", "entrants", "insights", "engine")
"""What runners do lies there; what `core` and `stores` are is told by the digests of jobs and objects."""
ASIDE = ("concours", "concours.engine", "concours.engine.runners")
"""Packages that say what there is: nobody reaches all of it by that."""
ROWS = ("concours.kernels.", "concours.tasks.", "concours.entrants.")
"""Where a text `module:attribute` is a row's, which is reached by it."""
REFERENCE = re.compile(r"(concours(?:\.\w+)+):\w+")
CURE = (
    "if what it yields may be other bytes now, raise its version in src/concours/engine/runners/__init__.py; then, or if "
    "it cannot, run: python tests/engine/test_pins.py"
)


def code(text: str) -> str:
    """The digest of what a text does: of its syntax tree without docstrings; comments and layout are in no tree.

    The same for all versions of Python that we run on: fields that are empty, or that only some of them have, are left
    out.
    """
    return hashlib.sha256(json.dumps(_plain(ast.parse(text))).encode()).hexdigest()[:16]


def _plain(node: Any) -> Any:
    if isinstance(node, ast.AST):
        fields = {name: _plain(value) for name, value in ast.iter_fields(node) if name not in ("type_params", "kind")}
        return [type(node).__name__, {name: value for name, value in fields.items() if value not in (None, [])}]
    if isinstance(node, list):
        return [_plain(item) for item in node if not _is_said(item)]
    return node if isinstance(node, str | int | bool | None) else {type(node).__name__: repr(node)}


def _is_said(node: Any) -> bool:
    """Whether a statement is a text alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def file_of(module: str) -> Path | None:
    """Where a module of ours lies."""
    place = ROOT.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text())


def _file(module: str) -> Path:
    file = file_of(module)
    assert file, module
    return file


@cache
def reached_at_once(module: str) -> frozenset[str]:
    """The modules of ours that one imports, at any depth of its text but for types alone, or names in a row."""
    return frozenset(name for name in _names(tree_of(module), module.startswith(ROWS)) if file_of(name))


def _names(node: ast.AST, rows: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (child.module, *(f"{child.module}.{alias.name}" for alias in child.names))
        elif rows and isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield from (found[1] for found in [REFERENCE.fullmatch(child.value)] if found)
        yield from _names(child, rows)


def reached(runner: str) -> list[str]:
    """The modules that count of all that a runner reaches."""
    waiting, found = [RUNNERS.own[runner].reference.partition(":")[0]], set[str]()
    while waiting:
        module = waiting.pop()
        if module not in found and module not in ASIDE:
            found.add(module)
            waiting += reached_at_once(module)
    return sorted(module for module in found if module.split(".")[1] in ROOMS)


@cache
def code_of(module: str) -> str:
    return code(_file(module).read_text())


def pinned(runner: str) -> dict[str, Any]:
    """What is recorded of a runner."""
    codes = [[module, code_of(module)] for module in reached(runner)]
    digest = hashlib.sha256(json.dumps(codes).encode()).hexdigest()[:16]
    return {"version": RUNNERS.own[runner].version, "digest": digest}


def recorded() -> dict[str, Any]:
    """All that there is to record: of each module, so that a difference can be named, and of each runner."""
    modules = sorted({module for runner in RUNNERS.own for module in reached(runner)})
    return {
        "modules": {module: code_of(module) for module in modules},
        "runners": {runner: pinned(runner) for runner in sorted(RUNNERS.own)},
    }


@pytest.fixture(scope="module")
def pins():
    return json.loads(PINS.read_text())


@pytest.mark.parametrize("runner", RUNNERS.own)
def test_code_that_a_runner_reaches_is_pinned_to_its_version(pins, runner):
    """Jobs that are recalled from a journal were done by the code of that version."""
    known, now = pins["runners"].get(runner), pinned(runner)
    edited = [module for module in reached(runner) if pins["modules"].get(module) != code_of(module)]
    assert known == now, f"{runner}: {', '.join(edited) or 'what it reaches'} changed; {CURE}"


def test_nothing_else_is_pinned(pins):
    """What is gone is not kept."""
    assert pins == recorded(), CURE


def test_what_is_reached():
    """A runner's own module, what it imports in turn, whatever rows name; not what others do, nor a table of it all."""
    assert {"concours.engine.runners.score", "concours.tasks.metrics.table", "concours.kernels.scoring.scores"} <= set(
        reached("evaluate")
    )
    assert {"concours.entrants.recipes", "concours.engine.fitting", "concours.entrants.topics"} <= set(reached("fit"))
    assert not {"concours.engine.runners", "concours.engine.runners.card"} & set(reached("fit"))
    assert not any(module.startswith("concours.kernels.rating") for module in reached("evaluate"))
    assert not any(module.startswith("concours.entrants") for module in reached("propose"))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ('"""Another."""\ndef f(x):\n    "More words."\n    return  x + 1  # and more\n', True),
        ("def f(x):\n    return (x\n        + 1)", True),
        ("def f(x):\n    return x + 2", False),
        ("def f(x):\n    return x + 1.0", False),
        ("def f(x):\n    return x + True", False),
        ("def f(x, y=None):\n    return x + 1", False),
        ("def f(x):\n    x\n    return x + 1", False),
    ],
)
def test_only_what_the_code_does_counts(other, same):
    """Words and layout pin nothing; each number, name and statement does."""
    assert (code('"""A module."""\n\n\ndef f(x):\n    """One more."""\n    return x + 1') == code(other)) is same


def record() -> None:
    """Writes the pins, and says of which runners the code has changed but not the version."""
    before = json.loads(PINS.read_text())["runners"] if PINS.exists() else {}
    now = recorded()
    PINS.write_text(json.dumps(now, indent=1) + "\n")
    edited = [n for n, pin in now["runners"].items() if n in before and pin != before[n]]
    same = [name for name in edited if now["runners"][name]["version"] == before[name]["version"]]
    print(f"{len(edited)} pins changed; with the version that they had: {', '.join(same) or 'none'}", file=sys.stderr)


if __name__ == "__main__":
    record()
