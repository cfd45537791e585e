"""Kinds: each can be held as a contest, and no code above tasks and entrants asks which it is."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import concours
from concours.core.errors import ContestError
from concours.core.registry import load
from concours.kernels.joining.blending import blend
from concours.tasks.kinds import KINDS
from concours.tasks.lacking import require_taken
from concours.tasks.outputs.number import Number
from concours.tasks.task import Task
from concours.testing import LawBroken, check_kind

_ABOVE = ("engine", "insights", "compete", "cooperate", "report", "contest", "runs", "votes", "api", "cli")
_SIDES = re.compile(r"(?:^|[._])(?:kind|input|output|target|form|row|rows)(?:\.name)?$")


@pytest.mark.parametrize("kind", list(KINDS.own))
def test_a_kind_can_be_held_as_a_contest(kind: str) -> None:
    """Its sample is read, fitted, joined, judged, predicted and verified."""
    check_kind(kind)


_FOR_SOME = {
    "target": "a",
    "header": True,
    "drop": ("a",),
    "id": "a",
    "weight": "a",
    "positive": "a",
    "classes": ("a", "b"),
    "labels": {"a": "b"},
    "text": ("a",),
    "source": "a",
    "encoding": "utf-8",
    "columns": {"a": "word"},
    "missing": ("x",),
    "options": {"horizon": 3},
}
"""Keys of a task that only some kinds take, with a value each."""
_LACKING = [(kind.name, key) for kind in KINDS.own.values() for key in kind.input.lacks]


@pytest.mark.parametrize(("name", "key"), _LACKING)
def test_a_key_that_a_kind_takes_nothing_of_is_refused(name: str, key: str, tmp_path: Path) -> None:
    """Protects against keys that are read past in silence."""
    kind = KINDS[name]
    task, read = load(kind.sample)(tmp_path, 0), load(kind.input.reader)
    with pytest.raises(ContestError, match=f"task.{key}: a task of kind {name} has no such thing; leave it out"):
        read(replace(task, **{key: _FOR_SOME[key]}), kind, tmp_path)


@pytest.mark.parametrize("value", [0, False, "no", np.zeros(2), ("a",)], ids=repr)
def test_a_key_is_refused_whatever_it_says(value: object) -> None:
    """Protects classes and weights that are false, or have no truth at all."""
    kind = KINDS["object-detection"]
    with pytest.raises(ContestError, match=r"task\.positive"):
        require_taken(Task(kind=kind.name, data="set", positive=value), kind)


@pytest.mark.parametrize("kind", list(KINDS.own))
def test_no_kind_refuses_keys_that_are_left_out(kind: str) -> None:
    """Protects every task that asks for nothing of its own, also where a caller writes that out."""
    empty = {key: type(value)() for key, value in _FOR_SOME.items() if not isinstance(value, (bool, str))}
    for keys in ({}, empty):
        require_taken(Task(kind=kind, data="set", **keys), KINDS[kind])


def test_kinds_lack_only_what_is_for_some() -> None:
    """Protects keys that every kind has, and what the older kinds could always be asked."""
    assert {key for _, key in _LACKING} <= set(_FOR_SOME)
    reader = "concours.tasks.reading:read"
    older = [kind for kind in KINDS.own.values() if kind.input.reader == reader and not kind.output.several]
    assert len(older) == 5
    assert {kind.input.lacks for kind in older} == {("options",)}


@pytest.mark.parametrize(
    ("lineups", "said"),
    [
        ({"quick": ("logistic",)}, "line-ups are `fast`, and `full`"),
        ({"full": ("logistic",)}, "line-ups are `fast`, and `full`"),
        ({"fast": ("logistic",), "full": ()}, "a line-up names entrants"),
    ],
)
def test_line_ups_are_those_that_a_contest_asks_for(lineups: dict[str, tuple[str, ...]], said: str) -> None:
    """Others nobody could name."""
    with pytest.raises(LawBroken, match=said):
        check_kind(replace(KINDS["tabular-classification"], lineups=lineups))


def test_what_is_joined_of_one_alone_is_its_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that makes something else of it is found."""
    monkeypatch.setattr(Number, "joins", {"mean": lambda predictions, weights: blend(predictions, weights / 2)})
    with pytest.raises(LawBroken, match="mean of one member alone is its predictions"):
        check_kind("tabular-regression")


def _named() -> frozenset[str]:
    kinds = KINDS.own.values()
    return frozenset(name for kind in kinds for name in (kind.name, kind.input.name, kind.output.name, kind.form.name))


def _asks(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether a piece of code compares something with the name of a kind, an input or an output, or with its beginning."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        constants = [c.value for side in sides for c in ast.walk(side) if isinstance(c, ast.Constant)]
        asked = [ast.unparse(side) for side in sides if not isinstance(side, ast.Constant)]
        return bool(names & {c for c in constants if isinstance(c, str)}) and any(map(_SIDES.search, asked))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("startswith", "endswith")
    ):
        return bool(_SIDES.search(ast.unparse(node.func.value)))
    return False


def test_no_code_above_asks_which_kind_it_is() -> None:
    """What only some can do is asked for as a capability: else a new kind would change many files."""
    root, names = Path(concours.__file__).parent, _named()
    found = [
        f"{file.relative_to(root)}:{node.lineno}"
        for room in _ABOVE
        for file in sorted((root / room).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if _asks(node, names)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    ["problem.kind == 'tabular-regression'", "kind.input.name in ('text', 'x')", "problem.kind.startswith('tab')"],
)
def test_asking_would_be_found(code: str) -> None:
    """The walk sees what it is to see."""
    assert any(_asks(node, _named()) for node in ast.walk(ast.parse(code)))
