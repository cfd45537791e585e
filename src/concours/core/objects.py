"""Objects as recipes: an estimator, a pipeline or a network written down as JSON, by class and parameters, recursively.

Nothing is pickled. What is written names classes and functions that can be imported, `module:Class` of a library or
`folder/file.py:Class` of a file of the user's, and their parameters. In parameters these stand for what JSON lacks:

    {"$recipe": "module:Class", "params": {…}, "args": […]}   an object made by that class
    {"$function": "module:name", "params": {…}}               a function, perhaps with some of its arguments given
    {"$class": "module:name"}                                 a class itself
    {"$number": "nan" | "inf" | "-inf"}, {"$slice": [a, b, c]}, {"$items": [[key, value], …]}

Law: two objects that were made in the same way are written alike.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from concours.core.errors import RecipeError

_REFERENCES = ("$recipe", "$function", "$class")


def recipe_of(thing: Any) -> tuple[str, dict[str, Any]]:
    """The recipe and the parameters of an estimator, its class, a pipeline, or a torch module or its class.

    Raises:
        RecipeError: it cannot be made again from what can be written down; the message says what to write instead.
    """
    if inspect.isclass(thing) or inspect.isfunction(thing):
        return _named(thing), {}
    if not (hasattr(thing, "fit") or is_module(thing)):
        raise RecipeError(
            f"an entrant is a name of the zoo, a recipe, an estimator, a pipeline, or a torch module; got {thing!r:.80}"
        )
    made = _made(thing)
    return made["$recipe"], {**made["params"], **({"$args": made["args"]} if "args" in made else {})}


def references(value: Any) -> Iterator[tuple[str, str]]:
    """All that written parameters name: pairs of `$recipe`, `$function` or `$class` and the reference."""
    if isinstance(value, Mapping):
        yield from ((key, str(value[key])) for key in _REFERENCES if key in value)
        for item in value.values():
            yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def renamed(value: Any, name: Mapping[str, str]) -> Any:
    """Written parameters in which references are called otherwise, where `name` has them."""
    if isinstance(value, Mapping):
        return {k: name.get(v, v) if k in _REFERENCES else renamed(v, name) for k, v in value.items()}
    return [renamed(item, name) for item in value] if isinstance(value, (list, tuple)) else value


def portable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in which files are called by their last name, so that they are the same from any folder."""
    names = {reference: last_name(reference) for _, reference in references(params)}
    files = {reference: name for reference, name in names.items() if is_file(reference)}
    return dict(renamed(params, files)) if files else dict(params)


def last_name(recipe: str) -> str:
    """A recipe without the way to its file."""
    return recipe.replace("\\", "/").rsplit("/", 1)[-1]


def is_file(reference: str) -> bool:
    """Whether a reference leads to a file of the user's."""
    return reference.rpartition(":")[0].endswith(".py")


def signature_of(maker: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a class or a function; none where it does not tell, as what is written in C may not."""
    with suppress(TypeError, ValueError):
        return inspect.signature(maker).parameters
    return {}


def is_keras(thing: Any) -> bool:
    """Whether something is a Keras model, or a class of them; Keras is not imported for that."""
    keras = sys.modules.get("keras")
    kind = thing if inspect.isclass(thing) else type(thing)
    return hasattr(keras, "Model") and issubclass(kind, keras.Model)  # type: ignore[union-attr]


def is_network(thing: Any) -> bool:
    """Whether something is a network that is trained here, or a class of them."""
    return is_keras(thing) or is_module(thing)


def is_module(thing: Any) -> bool:
    """Whether something is a torch module, or a class of them; torch is not imported for that."""
    torch = sys.modules.get("torch")
    kind = thing if inspect.isclass(thing) else type(thing)
    return torch is not None and issubclass(kind, torch.nn.Module)


def _made(thing: Any) -> dict[str, Any]:
    """An object, by its class and what differs from the defaults."""
    kind, where = type(thing), type(thing).__name__
    recipe = _named(kind)
    if is_module(thing):
        return _module(thing, recipe)
    signature = signature_of(kind)
    if hasattr(thing, "get_params"):
        values = thing.get_params(deep=False)
    elif set(vars(thing)) <= set(signature) and recipe.startswith("sklearn."):
        values = vars(thing)
    else:
        raise RecipeError(f"{where} does not tell its parameters (it has no get_params); {_in_a_file()}")
    changed = {
        name: _value(value, f"{where}.{name}")
        for name, value in values.items()
        if not (name in signature and _same(value, signature[name].default))
    }
    return {"$recipe": recipe, "params": changed}


def _module(thing: Any, recipe: str) -> dict[str, Any]:
    """A torch module by what its class was called with, as far as it keeps that: those of `torch.nn` do."""
    where = type(thing).__name__
    if not recipe.startswith("torch.nn:") and not recipe.startswith("torch.nn."):
        raise RecipeError(
            f"a {where} that is made already does not tell how it was made; give its class, and its parameters: "
            f'Entrant("{where.lower()}", {where}, {{…}})'
        )
    if where in ("Sequential", "ModuleList"):
        return {"$recipe": recipe, "params": {}, "args": [_made(child) for child in thing.children()]}
    params = {}
    for name, parameter in signature_of(type(thing)).items():
        if name.startswith("_") or name in ("device", "dtype"):
            continue
        if not hasattr(thing, name):
            raise RecipeError(f"a {where} that is made already does not tell its {name}; {_in_a_file()}")
        value = getattr(thing, name)
        value = value is not None if name == "bias" and not isinstance(value, bool) else value
        if not _same(value, parameter.default):
            params[name] = _value(value, f"{where}.{name}")
    return {"$recipe": recipe, "params": params}


def _value(value: Any, where: str) -> Any:
    """A parameter as JSON: by the first of the forms that suits it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    for suits, form in _FORMS:
        if suits(value):
            return form(value, where)
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        kind = type(value).__name__
        advice = "give a whole number" if kind in ("RandomState", "Generator") else _in_a_file()
        raise RecipeError(f"{where} is a {kind}, which cannot be written down; {advice}") from None


def _mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    pairs = [[_value(key, where), _value(item, where)] for key, item in value.items()]
    plain = all(isinstance(key, str) and not key.startswith("$") for key in value)
    return dict(pairs) if plain else {"$items": pairs}


def _partial(value: functools.partial[Any], where: str) -> dict[str, Any]:
    if value.args:
        raise RecipeError(f"{where} is a partial of positional arguments; give them by name, or {_in_a_file()}")
    return {"$function": _named(value.func), "params": _value(value.keywords, where)}


def _is_array(value: Any) -> bool:
    return hasattr(value, "tolist") and getattr(getattr(value, "dtype", None), "kind", "") in tuple("biufUO")


def _is_function(value: Any) -> bool:
    return callable(value) and not hasattr(value, "get_params") and hasattr(value, "__name__")


def _is_object(value: Any) -> bool:
    return hasattr(value, "get_params") or is_module(value) or type(value).__module__.startswith("sklearn.")


_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str], Any]], ...] = (
    (
        lambda value: isinstance(value, float),
        lambda value, _: float(value) if math.isfinite(value) else {"$number": repr(float(value))},
    ),
    (
        lambda value: isinstance(value, slice),
        lambda value, where: {"$slice": [_value(part, where) for part in (value.start, value.stop, value.step)]},
    ),
    (lambda value: isinstance(value, Mapping), _mapping),
    (
        lambda value: isinstance(value, (list, tuple)),
        lambda value, where: [_value(item, f"{where}[{place}]") for place, item in enumerate(value)],
    ),
    (_is_array, lambda value, where: _value(value.tolist(), where)),
    (lambda value: isinstance(value, functools.partial), _partial),
    (inspect.isclass, lambda value, _: {"$class": _named(value)}),
    (_is_function, lambda value, _: {"$function": _named(value)}),
    (_is_object, lambda value, _: _made(value)),
)
"""Which values are written in which form, in the order in which they are tried."""


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    plain = (bool, int, float, str, tuple, list)
    return type(value) is type(default) and isinstance(value, plain) and bool(value == default)


def _named(thing: Any) -> str:
    """The reference by which a class or a function is imported again."""
    name = str(getattr(thing, "__qualname__", getattr(thing, "__name__", type(thing).__name__)))
    module = getattr(thing, "__module__", None) or _of_numpy(thing, name)
    if module in (None, "__main__") or "<" in name or _found(module, name) is not thing:
        last = name.rpartition(".")[2]
        what = "a lambda" if "<lambda>" in name else name
        shown = "that_file.py:model" if "<lambda>" in name else f"that_file.py:{last}"
        raise RecipeError(
            f"{what} cannot be imported by its name, as a class of a notebook or of a script cannot; put it in a file, "
            f'that_file.py, and write "./{shown}"'
            + ("" if "<lambda>" in name else f", or: from that_file import {last}")
        )
    file = _own_file(module)
    if file:
        return f"{file}:{name}"
    return f"{_public(module, name, thing)}:{name}"


def _of_numpy(thing: Any, name: str) -> str | None:
    """The module of a ufunc, which does not tell it."""
    return next((module for module in ("numpy", "scipy.special") if _found(module, name) is thing), None)


def _found(module: str, name: str) -> Any:
    with suppress(ImportError, AttributeError):
        return functools.reduce(getattr, name.split("."), import_module(module))
    return None


def _public(module: str, name: str, thing: Any) -> str:
    """The module above a private one, where it has the same thing."""
    above, _, last = module.rpartition(".")
    if last.startswith("_") and _found(above, name) is thing:
        return above
    return "torch.nn" if module.startswith("torch.nn.modules.") and _found("torch.nn", name) is thing else module


def _own_file(module: str) -> Path | None:
    """The file of a module that is the user's own; none of one that was installed or came with Python."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not file.endswith(".py") or module.partition(".")[0] in ("concours", *sys.stdlib_module_names):
        return None
    path = Path(file).resolve()
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    library = Path(sysconfig.get_path("stdlib")).resolve()
    return None if installed or path.is_relative_to(library) else path


def _in_a_file() -> str:
    return 'make the whole in a file of yours, model = …, and write "./that_file.py:model"'
