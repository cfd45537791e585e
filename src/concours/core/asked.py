"""What is asked about before it runs: the one place that decides it, of all that recipes, parameters and metrics name.

It is what is neither on the list of `core.known` nor what an entrant of an installed plugin is made of, and parameters
that name something outside (`core.outward`); as texts, e.g. `mine.py:Model sha256:…`, in which a file stands with the
digest of what it and its local imports hold. `shown` is as much of it as a person reads.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

from concours.core.errors import PluginError
from concours.core.had import CONTENT, scheme_of
from concours.core.known import FUNCTIONS, METRICS, PARTS, RECIPES, TYPES
from concours.core.objects import is_file, references
from concours.core.outward import outward
from concours.core.registry import claims_of
from concours.core.visible import visible

_UNASKED = {
    "$recipe": RECIPES | PARTS,
    "$function": FUNCTIONS | METRICS,
    "$class": TYPES | RECIPES | PARTS,
}
"""What a part of an estimator may be, by how it is written."""


def asked_of_recipe(
    recipe: str, params: Mapping[str, Any], *, code: str | None = None, search: Mapping[str, Any] | None = None
) -> frozenset[str]:
    """What is to be asked about before an entrant is made and fitted; nothing of a name of the zoo.

    Args:
        code: the digest of the text of the files.
        search: ranges and choices of further parameters.
    """
    scheme = scheme_of(recipe)
    if scheme and scheme.names == "address":
        return frozenset({_addressed(recipe, params)})
    if scheme and scheme.names == "program":
        return frozenset({f"{ran(recipe, params)} {params.get(CONTENT)}"})
    named = {reference for kind, reference in references(params) if reference not in _UNASKED[kind]}
    named |= {reference for kind, reference in references(search or {}) if reference not in _UNASKED[kind]}
    if ":" in recipe and recipe not in RECIPES and scheme is None:
        named |= {recipe, *_files_in(params)}
    named -= _brought() if named else frozenset()
    marked = {f"{name} {code}" if is_file(name) and code else name for name in named}
    given = [params, *_trials(search or {})]
    return frozenset(marked.union(*(outward(recipe, each) for each in given)))


def _addressed(recipe: str, params: Mapping[str, Any]) -> str:
    """Where rows are sent, and with which key: whoever wrote a contest could send them, and any secret, anywhere."""
    key = params.get("key_env")
    return f"{recipe} at {params.get('base_url')}" + (f" with the key in {key}" if key else "")


def ran(recipe: str, params: Mapping[str, Any]) -> str:
    """A program that is run, and how: `program:thumb.awk (awk -f thumb.awk 0.3)`."""
    by, arguments = (tuple(map(str, params.get(name) or ())) for name in ("by", "arguments"))
    return f"{recipe} ({' '.join((*by, recipe.partition(':')[2], *arguments))})" if by or arguments else recipe


def is_elsewhere(asked: str) -> bool:
    """Whether what is asked about is an address that rows are sent to, and no code."""
    scheme = scheme_of(asked.partition(" ")[0])
    return scheme is not None and scheme.names == "address"


def asked_of_metrics(names: Iterable[str]) -> frozenset[str]:
    """Those of metrics that are functions of a module which is not on the list."""
    return frozenset(name for name in names if ":" in name and name not in METRICS)


def shown(asked: Iterable[str]) -> str:
    """What is asked about, for a person."""
    return ", ".join(sorted({visible(without_digest(text)) for text in asked}))


def without_digest(asked: str) -> str:
    """What is asked about, whatever the files hold; an address stays whole."""
    return asked if is_elsewhere(asked) else asked.partition(" sha256:")[0]


def wrong_name(reference: str) -> str:
    """Why `module:name` cannot be imported whatever is installed, or must not be; empty if it may be looked for."""
    module, _, attribute = reference.rpartition(":")
    words = [*module.split("."), *attribute.split(".")]
    if not all(word.isidentifier() and not keyword.iskeyword(word) for word in words):
        return "is not of the form module:name"
    if private := next((word for word in words if word.startswith("__")), ""):
        return f"leads to {private}, which is Python's own"
    return ""


def in_standard_library(reference: str) -> bool:
    """Whether `module:name` leads into a module that comes with Python."""
    return reference.partition(":")[0].partition(".")[0] in sys.stdlib_module_names


def _brought() -> frozenset[str]:
    """What entrants that plugins bring by name are made of: who has installed a plugin has agreed to these, and to
    nothing else that lies beside them.
    """
    found: set[str] = set()
    for claim in chain.from_iterable(claims_of("entrants").values()):
        with suppress(PluginError, AttributeError, TypeError):  # told to whoever asks for that entrant
            for spec in claim.row().values():
                found |= {spec.recipe, *(reference for _, reference in references(spec.params))}
    return frozenset(reference for reference in found if not is_file(reference))


def _files_in(value: Any) -> Iterator[str]:
    """Texts that name a class of a file, as the line-up of a contest in a contest does."""
    if isinstance(value, str):
        if is_file(value):
            yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from () if key in _UNASKED else _files_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _files_in(item)


def _trials(search: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each choice of each searched parameter, as the parameters that a trial is given."""
    for name, declared in search.items():
        if isinstance(declared, Mapping) and not declared.keys() & {"values", "low", "high", "$recipe", "$function"}:
            yield from ({name: trial} for trial in _trials(declared))
            continue
        choices = declared.get("values", declared) if isinstance(declared, Mapping) else declared
        yield from ({name: choice} for choice in (choices if isinstance(choices, (list, tuple)) else [choices]))
