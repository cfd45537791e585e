"""The models that are merged, looked at side by side: have they the same tensors, and are these the same in kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.stores.checkpoints.folders import Checkpoint, few
from concours.stores.checkpoints.tensors import Stored

_HEADS: Final = ("lm_head.weight", "embed_out.weight", "output.weight")
_EMBEDDINGS: Final = (
    "model.embed_tokens.weight", "embed_tokens.weight", "transformer.wte.weight", "wte.weight",
    "model.decoder.embed_tokens.weight", "gpt_neox.embed_in.weight", "model.language_model.embed_tokens.weight",
)  # fmt: skip
_OF_WORDS: Final = ("embed", "lm_head", "wte")
"""Parts of names of tensors that have a row for each word."""
_COMPUTED: Final = ("rotary_emb.inv_freq", "attn.masked_bias")
"""Ends of names of tensors that old files hold and models compute for themselves."""
_TOLD: Final = frozenset(
    (
        "_name_or_path",
        "torch_dtype",
        "dtype",
        "transformers_version",
        "use_cache",
        "architectures",
        "tie_word_embeddings",
    )
)
"""Settings in which parents may differ."""


@dataclass(frozen=True)
class Parents:
    """Models by the names that they go by in a merge, with tensors of the same names.

    Attributes:
        models: the first gives settings.
        config: of the model that is made, but for its layers and numbers.
        notes: what a person should know.
    """

    models: Mapping[str, Checkpoint]
    config: Mapping[str, Any]
    notes: tuple[str, ...]


def side_by_side(models: Mapping[str, Checkpoint], *, stacked: bool) -> Parents:
    """The models, ready to be merged.

    A head that is the embedding is an alias of it: where all have it so, it is left out, and where only some have, it
    is written for itself and made of their embeddings.

    Args:
        stacked: whether layers are numbered anew, so that models may have different numbers of them.

    Raises:
        DataError: they are of different kinds, or one lacks tensors that another has.
    """
    first = next(iter(models.values()))
    kinds = {str(model.config.get("model_type")) for model in models.values() if model.config}
    if len(kinds) > 1:
        raise DataError(f"models of different kinds cannot be merged: {', '.join(sorted(kinds))}")
    notes: list[str] = []
    alike, untied = _heads(models, notes)
    alike = _without_computed(alike, notes)
    if not stacked:
        for model in alike.values():
            _require_names(first, next(iter(alike.values())), model)
    notes += _differences(models, stacked)
    config = dict(first.config)
    if untied is not None and config:
        config["tie_word_embeddings"] = not untied
    return Parents(alike, config, tuple(notes))


def require_shapes(name: str, tensors: Sequence[Stored]) -> None:
    """Tensors that become one are of one shape. Raises DataError, which names two that are not."""
    first = tensors[0]
    for other in tensors[1:]:
        if other.shape != first.shape:
            words = any(part in name for part in _OF_WORDS) and other.shape[1:] == first.shape[1:]
            raise DataError(
                f"tensor {visible(name)!r} is {list(first.shape)} in {first.file.parent} and {list(other.shape)} in "
                f"{other.file.parent}{': other vocabularies' if words else ''}; models of one shape are merged"
            )


def _heads(models: Mapping[str, Checkpoint], notes: list[str]) -> tuple[dict[str, Checkpoint], bool | None]:
    """The models with a head each, or none with one; and whether one is written where some had none."""
    head = next((name for name in _HEADS if any(name in model.tensors for model in models.values())), None)
    if head is None:
        return dict(models), None
    tied = {name for name, model in models.items() if _is_tied(model, head)}
    if tied == {*models}:
        return {name: _without(model, head) for name, model in models.items()}, None
    if tied:
        notes.append(
            f"{head} is the embedding in {', '.join(sorted(tied))} and not in others: it is written for itself"
        )
    return {name: _with_head(model, head) if name in tied else model for name, model in models.items()}, bool(
        tied
    ) or None


def _is_tied(model: Checkpoint, head: str) -> bool:
    inner = model.config.get("text_config")
    told = model.config.get(
        "tie_word_embeddings", inner.get("tie_word_embeddings") if isinstance(inner, dict) else None
    )
    return (told is True or head not in model.tensors) and _embedding(model) is not None


def _embedding(model: Checkpoint) -> Stored | None:
    return next((model.tensors[name] for name in _EMBEDDINGS if name in model.tensors), None)


def _with_head(model: Checkpoint, head: str) -> Checkpoint:
    embedding = _embedding(model)
    return model if embedding is None else replace(model, tensors={**model.tensors, head: embedding})


def _without(model: Checkpoint, *names: str) -> Checkpoint:
    return replace(model, tensors={name: own for name, own in model.tensors.items() if name not in names})


def _without_computed(models: Mapping[str, Checkpoint], notes: list[str]) -> dict[str, Checkpoint]:
    found = sorted({name for model in models.values() for name in model.tensors if name.endswith(_COMPUTED)})
    if found:
        notes.append(f"{len(found)} tensors that models compute for themselves are left out: {few(found)}")
    return {name: _without(model, *found) for name, model in models.items()}


def _require_names(named: Checkpoint, first: Checkpoint, other: Checkpoint) -> None:
    lacking, more = (
        [*(one.keys() - two.keys())] for one, two in ((first.tensors, other.tensors), (other.tensors, first.tensors))
    )
    told = []
    if lacking:
        told.append(f"lacks {_counted(lacking)} that {named.path} has ({few(sorted(lacking))})")
    if more:
        told.append(f"has {_counted(more)} that {named.path} lacks ({few(sorted(more))})")
    if told:
        raise DataError(f"{other.path} {' and '.join(told)}; models of one architecture are merged")


def _counted(names: Sequence[str]) -> str:
    return f"{len(names):,} tensor{'s' * (len(names) != 1)}"


def _differences(models: Mapping[str, Checkpoint], stacked: bool) -> list[str]:
    """What the models' settings differ in, a line each."""
    (name, first), *others = models.items()
    found = []
    for other, model in others:
        keys = sorted(
            key for key in {*first.config, *model.config} - _TOLD if first.config.get(key) != model.config.get(key)
        )
        for key in keys if first.config and model.config else []:
            if not (stacked and "layer" in key):
                values = (shortened(visible(repr(own.config.get(key))), 60) for own in (first, model))
                one, two = values
                found.append(
                    f"config.json: {visible(key)} is {one} in {name} and {two} in {other}; that of {name} is taken"
                )
    return found
