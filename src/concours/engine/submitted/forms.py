"""What a submission of code may be, a row of a table each: a command, a script, a notebook, or an entrant.

Each begins in a folder of its own with the files that were sent and, in `data/`, the public data; there it writes its
predictions.
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from concours.core.errors import ContentRefused

ENTRY: Final = "concours.api.entered"
"""The program that trains an entrant and predicts; it is run in the box, and known here by its name alone."""

_MANIFEST = "concours.toml"
_OTHERS = ("metadata.yaml", "metadata.yml", "metadata")
_ENTRANTS = ("entrant.py", "estimator.py", "model.py")
_NETWORKS = frozenset({"Module", "Model"})
_SEES = "def display(*values):\n    print(*values)\n"


@dataclass(frozen=True)
class Started:
    """How a submission is started.

    Attributes:
        command: the program and its arguments.
        recipe: of an entrant: the file and what it is called there; then the program is ours.
        files: what is there besides what was sent.
    """

    command: tuple[str, ...] = ()
    recipe: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


Finds = Callable[[Path, Sequence[str]], Started | None]


@dataclass(frozen=True)
class Form:
    """A form that submissions have: what people are told it is, and how it is known."""

    said: str
    finds: Finds


def started(folder: Path, files: Sequence[str]) -> Started:
    """How what lies in a folder is started: by the first form that knows it.

    Raises:
        ContentRefused: none does, or what says how is damaged.
    """
    for form in FORMS:
        if found := form.finds(folder, files):
            return found
    some = ", ".join(files[:5]) + (", …" if len(files) > 5 else "")
    raise ContentRefused(f"what was sent ({some}) is not known: expected {'; or '.join(form.said for form in FORMS)}")


def _manifest(folder: Path, files: Sequence[str]) -> Started | None:
    if _MANIFEST not in files:
        return None
    try:
        command = tomllib.loads((folder / _MANIFEST).read_text()).get("command")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentRefused(f"{_MANIFEST} cannot be read: {error}") from None
    if not isinstance(command, str) or not command.strip():
        raise ContentRefused(f'{_MANIFEST} says how the program is started, command = "python main.py"; it does not')
    return Started(command=("sh", "-c", command))


def _metadata(folder: Path, files: Sequence[str]) -> Started | None:
    """`command:` of a program of Codabench; no more of YAML is read."""
    name = next((name for name in _OTHERS if name in files), None)
    lines = (folder / name).read_text(errors="replace").splitlines() if name else []
    commands = [line.partition(":")[2].strip().strip("'\"") for line in lines if line.startswith("command:")]
    return Started(command=("sh", "-c", commands[0])) if commands and commands[0] else None


def _shell(_: Path, files: Sequence[str]) -> Started | None:
    return Started(command=("sh", "run.sh")) if "run.sh" in files else None


def _main(_: Path, files: Sequence[str]) -> Started | None:
    return Started(command=(sys.executable, "main.py")) if "main.py" in files else None


def _notebook(folder: Path, files: Sequence[str]) -> Started | None:
    found = [name for name in files if name.endswith(".ipynb") and ".ipynb_checkpoints/" not in name]
    if len(found) != 1:
        return None
    code = code_of_notebook((folder / found[0]).read_bytes(), found[0])
    return Started(command=(sys.executable, "notebook_as_script.py"), files={"notebook_as_script.py": code.encode()})


def _entrant(folder: Path, files: Sequence[str]) -> Started | None:
    scripts = [name for name in files if name.endswith(".py")]
    named = [name for name in _ENTRANTS if name in scripts] or (scripts if len(scripts) == 1 else [])
    for name in named:
        if called := entrant_in((folder / name).read_bytes(), name):
            return Started(recipe=f"./{name}:{called}")
    return None


def _script(_: Path, files: Sequence[str]) -> Started | None:
    scripts = [name for name in files if name.endswith(".py")]
    return Started(command=(sys.executable, scripts[0])) if len(scripts) == 1 else None


FORMS: Final = (
    Form(f'a folder with {_MANIFEST}, in which command = "…"', _manifest),
    Form("with metadata.yaml and its command", _metadata),
    Form("with run.sh", _shell),
    Form("with main.py", _main),
    Form("one notebook", _notebook),
    Form(
        "one file of Python, or entrant.py, with a class that has fit and predict, or get_estimator(), or a network",
        _entrant,
    ),
    Form("one script of Python", _script),
)
"""The first that knows what was sent says how it is started."""


def code_of_notebook(content: bytes, name: str) -> str:
    """The code of a notebook as a script: its cells in order, without lines for the notebook's own shell.

    Raises:
        ContentRefused: it is no notebook.
    """
    try:
        cells = json.loads(content)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ContentRefused(f"{name} is no notebook (nbformat 4)") from None
    return "\n\n".join([_SEES, *(text for text in map(_plain, code) if text)])


def _plain(cell: str) -> str:
    """A cell without magic: a line that begins with `%` or `!` does nothing, nor does a cell of another language."""
    if cell.lstrip().startswith("%%"):
        head, _, rest = cell.lstrip().partition("\n")
        return rest if head.split()[0] in ("%%time", "%%timeit", "%%capture") else ""
    lines = cell.splitlines()
    return "\n".join(f"{_blank(line)}pass  # {line.strip()}" if _is_magic(line) else line for line in lines)


def _is_magic(line: str) -> bool:
    return line.lstrip().startswith(("%", "!"))


def _blank(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def entrant_in(content: bytes, name: str) -> str:
    """What the entrant in a file is called: `get_estimator`, or the last class that can be fitted or is a network;
    empty where there is none.

    Raises:
        ContentRefused: it is no Python.
    """
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ContentRefused(f"{name} is no Python: {error}") from None
    if any(isinstance(one, ast.FunctionDef) and one.name == "get_estimator" for one in body):
        return "get_estimator"
    classes = {one.name: one for one in body if isinstance(one, ast.ClassDef)}
    suited = [called for called in classes if _can_be_fitted(called, classes, set())]
    return suited[-1] if suited else ""


def _can_be_fitted(called: str, classes: Mapping[str, ast.ClassDef], seen: set[str]) -> bool:
    """Whether a class has `fit`, of itself or of another in the file, or is a network."""
    if called in seen or called not in classes:
        return False
    seen.add(called)
    methods = {one.name for one in classes[called].body if isinstance(one, ast.FunctionDef)}
    bases = [_last_name(base) for base in classes[called].bases]
    is_network = "forward" in methods and any(base in _NETWORKS for base in bases)
    return "fit" in methods or is_network or any(_can_be_fitted(base, classes, seen) for base in bases)


def _last_name(node: Any) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
