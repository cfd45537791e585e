"""What a task says of those who judge texts: the tables `[[task.judge]]`, and the rubric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from concours.core.asked import asked_of_recipe
from concours.core.errors import ContestError, nearest
from concours.core.had import scheme_of

_KEYS: Final = ("recipe", "name", "params")


def judges_of(given: Any) -> tuple[dict[str, Any], ...]:
    """The judges that a task names, each with `name`, `recipe` and `params`; nobody where it names none.

    A judge is a language model, or a file of verdicts (`engine.ready_judges`).

    Raises:
        ContestError: one is no table, lacks its recipe, has a key that there is not, cannot be asked in words, or is
            called as another.
    """
    tables = [given] if isinstance(given, Mapping) else given
    if tables is None:
        return ()
    if not isinstance(tables, Sequence) or isinstance(tables, str) or not tables:
        raise ContestError(f"task.judge must be a table, or several as [[task.judge]], got {given!r}")
    found = [_judge(table, number) for number, table in enumerate(tables, 1)]
    names = [judge["name"] for judge in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ContestError(f"task.judge: two judges are called {twice!r}; give each a name of its own")
    return tuple(found)


def asked_of_judges(judges: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Where judges are, which is asked about before texts are sent there (`core.asked`)."""
    return frozenset().union(*(asked_of_recipe(judge["recipe"], judge["params"]) for judge in judges))


def rubric_of(given: Any) -> str:
    """By what is judged, as the task says it; nothing where it does not.

    Raises:
        ContestError: it is no text.
    """
    if given is not None and not isinstance(given, str):
        raise ContestError(f"task.rubric must be a text that says by what is judged, got {given!r}")
    return (given or "").strip()


def _judge(table: Any, number: int) -> dict[str, Any]:
    where = f"task.judge, number {number}"
    if not isinstance(table, Mapping):
        raise ContestError(f'{where}: expected a table, e.g. recipe = "openai:MODEL", got {table!r}')
    if wrong := next((key for key in table if key not in _KEYS), None):
        raise ContestError(f"{where}: unknown key {wrong!r}; {nearest(wrong, _KEYS)}")
    recipe, params = table.get("recipe"), table.get("params", {})
    scheme = scheme_of(recipe) if isinstance(recipe, str) else None
    if scheme is None or scheme.had not in ("asked", "recorded"):
        raise ContestError(
            f'{where}: recipe must be a language model, e.g. "openai:MODEL", or a file of verdicts, "recorded:FILE", '
            f"got {recipe!r}"
        )
    if not isinstance(params, Mapping):
        raise ContestError(f"{where}: params must be a table, as an entrant has it, got {params!r}")
    name = table.get("name", str(recipe).partition(":")[2])
    if not isinstance(name, str) or not name.strip():
        raise ContestError(f"{where}: name must be a text, got {name!r}")
    return {"name": name, "recipe": recipe, "params": dict(params)}
