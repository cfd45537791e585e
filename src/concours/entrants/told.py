"""What the files of a folder of Hugging Face say of its model: how it is made, and how it takes texts or pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def told_by(files: Mapping[str, str]) -> dict[str, Any]:
    """What a folder's files say of its model.

    Returns:
        `config`, of `config.json`; and of texts `tokens` (`entrants.tokens.Tokens`), of pictures `pixels`
        (`entrants.pixels.Pixels`), whichever there is.
    """
    config = json.loads(files["config.json"])
    if "tokenizer.json" in files:
        return {"config": config, "tokens": {"tokenizer": files["tokenizer.json"], "pad": _pad(files, config)}}
    seen = json.loads(files.get("preprocessor_config.json", "{}"))
    edges = _edges(seen)
    sized = {"size": _size(seen, config)} if edges is None else {"edges": edges}
    return {"config": config, "pixels": {**sized, **_normal(seen), "colours": _colours(config)}}


def labels_of(config: Mapping[str, Any], classes: Sequence[str]) -> tuple[str, ...] | None:
    """What the outputs of a classifier are called, in their order; none where `config.json` does not say, or calls them
    by number, as what nobody has given names (`LABEL_0`).
    """
    named = config.get("id2label") or {}
    found = tuple(str(named[key]) for key in sorted(named, key=int))
    unnamed = all(label == f"LABEL_{number}" for number, label in enumerate(found))
    return None if not found or (unnamed and "LABEL_0" not in classes) else found


def _pad(files: Mapping[str, str], config: Mapping[str, Any]) -> int:
    """The number of the token that stands where none is."""
    tokenizer = json.loads(files["tokenizer.json"])
    named = json.loads(files.get("tokenizer_config.json", "{}")).get("pad_token")
    word = named.get("content") if isinstance(named, Mapping) else named
    numbers = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", ())}
    ends = config.get("eos_token_id")
    known = [numbers.get(word), config.get("pad_token_id"), *(ends if isinstance(ends, list) else [ends]), 0]
    return int(next(number for number in known if number is not None))


def _size(seen: Mapping[str, Any], config: Mapping[str, Any]) -> list[int] | None:
    """Height and width that pictures are brought to; none where the model takes any."""
    named = seen.get("crop_size") or seen.get("size") or config.get("image_size")
    if isinstance(named, Mapping):
        side = named.get("shortest_edge")
        named = [named.get("height", side), named.get("width", side)]
    found = [side for side in (named if isinstance(named, list) else [named, named]) if side is not None]
    return [int(side) for side in found] if len(found) == 2 else None


def _edges(seen: Mapping[str, Any]) -> list[int] | None:
    """The shorter side that pictures are brought to, and the longest that the other may have; none where their shape
    is not kept.
    """
    named = {} if seen.get("crop_size") else seen.get("size")
    both = [named.get(edge) for edge in ("shortest_edge", "longest_edge")] if isinstance(named, Mapping) else [None]
    return None if None in both else [int(side) for side in both if side is not None]


def _normal(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and deviation of colours between 0 and 1, by which pictures are standardised."""
    if not seen.get("do_normalize", bool(seen.get("image_mean"))):
        return {"mean": [0.0], "deviation": [1.0]}
    return {"mean": list(seen.get("image_mean", [0.5])), "deviation": list(seen.get("image_std", [0.5]))}


def _colours(config: Mapping[str, Any]) -> int:
    return int(config.get("num_channels", 3))
