"""What was typed, as a wish: a file of mergekit's, or a method and models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from concours.api.merging.mergekit_yaml import DTYPES, check_wish, wish_in
from concours.api.merging.wished import Slice, Source, Wish, method_of, spelt
from concours.core.errors import ContestError, nearest
from concours.core.visible import shortened, visible


def wish_of_file(
    words: Sequence[str], out: Path | None, base: str | None, dtype: str | None, options: Mapping[str, Any]
) -> tuple[Wish, Path]:
    """The merge of `CONFIG.yaml OUT`, and the folder.

    Raises:
        ContestError: other words stand there, or options that belong into the file; or something in it is wrong.
    """
    if not words[0].endswith((".yaml", ".yml")):
        raise ContestError(
            f"merge: {shortened(visible(words[0]), 80)} is no .yaml; with models, name a --method and -o OUT"
        )
    if len(words) + (out is not None) != 2:
        raise ContestError("merge: expected CONFIG.yaml OUT")
    if base or options:
        said = [*(["base"] if base else []), *options][0]
        raise ContestError(f"merge: --{said.replace('_', '-')} goes with --method; in a file it stands in the file")
    wish = wish_in(Path(words[0]))
    return (replace(wish, dtype=DTYPES[dtype]) if dtype else wish), out or Path(words[1])


def wish_of_words(
    method: str,
    models: Sequence[str],
    out: Path | None,
    base: str | None,
    dtype: str | None,
    options: Mapping[str, Any],
) -> tuple[Wish, Path]:
    """The merge of models by a method, and the folder.

    Args:
        options: of the method, by name; those that each model has may be texts, `0.7,0.3`.

    Raises:
        ContestError: the method has no such option, or a value is none.
    """
    if out is None:
        raise ContestError("merge: -o OUT is missing, the folder to write")
    if twice := [name for name in models if list(models).count(name) > 1]:
        raise ContestError(f"merge: {twice[0]} is named twice")
    known = method_of(method).options
    if strange := [name for name in options if name not in known]:
        allowed = nearest(strange[0], known) if known else f"{method} has none"
        raise ContestError(f"merge: --{strange[0].replace('_', '-')} is no option of {method}; {allowed}")
    own: list[dict[str, Any]] = [{} for _ in models]
    shared: dict[str, Any] = {}
    for name, option in known.items():
        if not option.each:
            shared |= {name: options[name]} if name in options else {}
        elif name in options or option.required:
            numbers = _numbers(name, options.get(name, "1"), len(models))
            for mine, number in zip(own, numbers, strict=True):
                mine[spelt(option)] = number
    sources = tuple(Source(model=model, settings=mine) for model, mine in zip(models, own, strict=True))
    wish = Wish(
        method=method,
        slices=(Slice(sources=sources),),
        base=base,
        settings=shared,
        dtype=DTYPES[dtype] if dtype else None,
        text=_text(method, sources, base, shared, dtype),
    )
    check_wish(wish, "merge")
    return wish, out


def _numbers(name: str, text: Any, models: int) -> list[float]:
    words = str(text).split(",")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise ContestError(
            f"merge: --{name} must be numbers, as in 0.7,0.3, got {shortened(visible(str(text)), 60)!r}"
        ) from None
    if len(numbers) not in (1, models):
        raise ContestError(f"merge: --{name} has {len(numbers)} numbers for {models} models; give one, or one each")
    return numbers * models if len(numbers) == 1 else numbers


def _text(
    method: str, sources: Sequence[Source], base: str | None, shared: Mapping[str, Any], dtype: str | None
) -> str:
    """The same as a file, for the card."""
    lines = [f"merge_method: {method}", *([f"base_model: {json.dumps(base)}"] if base else []), "models:"]
    for source in sources:
        lines.append(f"  - model: {json.dumps(source.model)}")
        lines += (
            ["    parameters:", *(f"      {key}: {json.dumps(value)}" for key, value in source.settings.items())]
            if source.settings
            else []
        )
    lines += ["parameters:", *(f"  {key}: {json.dumps(value)}" for key, value in shared.items())] if shared else []
    return "\n".join([*lines, *([f"dtype: {dtype}"] if dtype else [])])
