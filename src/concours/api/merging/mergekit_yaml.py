"""Merges as mergekit's YAML describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from concours.api.imports.yaml_files import mapping_of
from concours.api.merging.wished import Settings, Slice, Source, Wish, check_settings, method_of
from concours.core.errors import ContestError, nearest
from concours.core.visible import shortened, visible
from concours.kernels.merging.floats import FLOATS

_KEYS: Final = (
    "merge_method", "models", "slices", "base_model", "parameters", "dtype", "out_dtype", "tokenizer_source",
)  # fmt: skip
_NOT: Final = {
    "modules": "models of several modules are not merged here; name models or slices",
    "tokenizer": "single tokens are not chosen here; tokenizer_source names the model whose tokenizer is taken",
    "chat_template": "the template of the tokenizer's model is kept; put another into the folder afterwards",
    "residual_weight": "layers are not mixed with what goes into them",
}
_NOTHING: Final = {"int8_mask": "int8_mask changes nothing here: masks are never kept whole"}
DTYPES: Final[Mapping[str, str]] = {form.name: name for name, form in FLOATS.items()}
"""Floating numbers by the names that people write, to those in safetensors files."""


def wish_in(path: Path) -> Wish:
    """The merge that a file describes.

    Raises:
        ContestError: something in it is wrong, or is known to mergekit and not here.
        DataError, MissingPackage: as of any YAML.
    """
    content = mapping_of(path)
    where = path.name
    _only(content, _KEYS, where)
    method_of(method := str(content.get("merge_method")))
    if ("models" in content) == ("slices" in content):
        raise ContestError(f"{where}: expected either models or slices")
    notes: list[str] = []
    settings = _settings(content, where, notes)
    if "models" in content:
        sources = [
            _source(item, f"{where}: models[{place}]", notes) for place, item in _listed(content, "models", where)
        ]
        slices = [Slice(sources=tuple(sources))]
    else:
        slices = [_slice(item, f"{where}: slices[{place}]", notes) for place, item in _listed(content, "slices", where)]
    wish = Wish(
        method=method,
        slices=tuple(slices),
        base=_model(content["base_model"], f"{where}: base_model") if content.get("base_model") is not None else None,
        settings=settings,
        dtype=_dtype(content, notes, where),
        text=path.read_text(encoding="utf-8"),
    )
    check_wish(wish, where)
    return replace(_with_tokenizer(wish, content.get("tokenizer_source"), where), notes=tuple(dict.fromkeys(notes)))


def check_wish(wish: Wish, where: str) -> None:
    """All settings of a merge are options of its method. Raises ContestError."""
    check_settings(wish.method, wish.settings, where)
    for each in wish.slices:
        check_settings(wish.method, each.settings, where)
        for source in each.sources:
            check_settings(wish.method, source.settings, f"{where}: {visible(source.model)}", of_model=True)


def _with_tokenizer(wish: Wish, asked: Any, where: str) -> Wish:
    if asked is None or (asked == "base" and wish.base is None):
        return wish
    if asked == "union":
        return replace(wish, united=True)
    name = wish.base if asked == "base" else _model(asked, f"{where}: tokenizer_source")
    if name not in wish.models:
        raise ContestError(f"{where}: tokenizer_source must be base, union or one of the models, got {name!r}")
    return replace(wish, tokenizer=name)


def _dtype(content: Mapping[str, Any], notes: list[str], where: str) -> str | None:
    for key in ("dtype", "out_dtype"):
        if content.get(key) is not None and content[key] not in DTYPES:
            said = shortened(visible(str(content[key])), 40)
            raise ContestError(f"{where}: {key}: {said!r} is not written here; {nearest(said, DTYPES)}")
    if content.get("dtype") in ("bfloat16", "float16"):
        notes.append(f"it is computed in float32, and only what is written is {content['dtype']}")
    asked = content.get("out_dtype") or content.get("dtype")
    return DTYPES[asked] if asked else None


def _settings(content: Mapping[str, Any], where: str, notes: list[str]) -> Settings:
    found = content.get("parameters")
    if found is not None and not isinstance(found, dict):
        raise ContestError(f"{where}: parameters must be a mapping")
    notes += [said for name, said in _NOTHING.items() if name in (found or {})]
    return {name: value for name, value in (found or {}).items() if name not in _NOTHING}


def _source(item: Any, where: str, notes: list[str]) -> Source:
    known = ("model", "parameters", "layer_range") if "slices" in where else ("model", "parameters")
    _only(item, known, where)
    layers = item.get("layer_range")
    if "slices" in where and not _is_range(layers):
        raise ContestError(
            f"{where}: layer_range must be two whole numbers, the first below the second, got {layers!r}"
        )
    return Source(
        model=_model(item.get("model"), f"{where}: model"),
        layers=(layers[0], layers[1]) if layers is not None else None,
        settings=_settings(item, where, notes),
    )


def _slice(item: Any, where: str, notes: list[str]) -> Slice:
    _only(item, ("sources", "parameters"), where)
    sources = [_source(row, f"{where}.sources[{place}]", notes) for place, row in _listed(item, "sources", where)]
    if len({source.layers[1] - source.layers[0] for source in sources if source.layers}) > 1:
        raise ContestError(f"{where}: all of its sources must have as many layers")
    return Slice(sources=tuple(sources), settings=_settings(item, where, notes))


def _model(named: Any, where: str) -> str:
    """A model's name: a folder, or one of Hugging Face."""
    if isinstance(named, dict):
        named = named.get("path") if {*named} == {"path"} else named
        named = named.get("model") if isinstance(named, dict) and {*named} == {"model"} else named
    if isinstance(named, dict) and isinstance(named.get("path"), str):
        raise ContestError(f"{where}: only a path is read of a model, not {', '.join(sorted({*named} - {'path'}))}")
    if not isinstance(named, str) or not named:
        raise ContestError(
            f"{where}: expected the name of a model or a folder, got {shortened(visible(repr(named)), 60)}"
        )
    if "+" in named and not Path(named).is_dir():
        raise ContestError(
            f"{where}: {visible(named)} adds an adapter, which is not done here: merge it into its model first"
        )
    return named


def _listed(content: Mapping[str, Any], key: str, where: str) -> list[tuple[int, Any]]:
    found = content.get(key)
    if not isinstance(found, list) or not found:
        raise ContestError(f"{where}: {key} must be a list")
    return list(enumerate(found))


def _is_range(layers: Any) -> bool:
    whole: Callable[[Any], bool] = lambda value: type(value) is int and value >= 0  # noqa: E731
    return isinstance(layers, list) and len(layers) == 2 and all(map(whole, layers)) and layers[0] < layers[1]


def _only(item: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(item, dict):
        raise ContestError(f"{where}: expected a mapping, got {shortened(visible(repr(item)), 60)}")
    for key in item:
        if key in _NOT:
            raise ContestError(f"{where}: {key}: {_NOT[key]}")
        if key not in known:
            raise ContestError(f"{where}: {shortened(visible(key), 60)}: unknown key; {nearest(key[:60], known)}")
