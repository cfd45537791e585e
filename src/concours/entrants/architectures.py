"""Models of the library `transformers`, made from what a folder of Hugging Face holds: its configuration and weights.

Nothing of a folder is run, and nothing decides for it whose code is, or in which numbers is computed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from concours.core.errors import RecipeError

_OURS = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config")
"""What a configuration must not decide."""
_OF_LABELS = ("id2label", "label2id", "num_labels")


def config_of(told: Mapping[str, Any], outputs: int | None = None, pad: int | None = None) -> Any:
    """A configuration of the library.

    Args:
        told: what `config.json` says.
        outputs: of a new output layer; none where there is none, or its own is kept.
        pad: the number that stands where no token is, of texts.

    Raises:
        RecipeError: the library knows no such model.
    """
    from transformers import AutoConfig

    left = _OURS if outputs is None else (*_OURS, *_OF_LABELS)
    own = {name: value for name, value in told.items() if name not in left}
    try:
        config = AutoConfig.for_model(own.pop("model_type", None), **own)
    except Exception as error:  # noqa: BLE001 (whatever a configuration of others makes the library raise)
        raise RecipeError(f"config.json describes no model of transformers: {' '.join(str(error).split())[:120]}") from None
    if outputs is not None:
        config.num_labels, config.problem_type = outputs, None
    if pad is not None:
        config.pad_token_id = pad
    config.return_dict, config.use_cache = True, False
    return config


def kind_of(auto: Any, config: Any) -> Any:
    """The class of models that one of the library's `Auto…` classes has for a configuration.

    Raises:
        RecipeError: it has none.
    """
    try:
        with torch.device("meta"):
            return type(auto.from_config(config))
    except Exception as error:  # noqa: BLE001 (whatever a configuration of others makes the library raise)
        raise RecipeError(f"config.json: {' '.join(str(error).split())[:120]}") from None


def loaded(kind: Any, config: Any, tensors: Mapping[str, Tensor], name: str) -> tuple[nn.Module, frozenset[str]]:
    """A model with these weights, by the names that they have in it, and the names of the tensors that it lacks.

    Args:
        kind: a class of models of the library; see `kind_of`.
        name: of the folder, for messages.

    Raises:
        RecipeError: they cannot be loaded.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    told: dict[str, Any] = {"config": config, "state_dict": dict(tensors), "output_loading_info": True}
    try:
        model, said = kind.from_pretrained(None, **told, dtype=torch.float32, ignore_mismatched_sizes=True)
    except Exception as error:  # noqa: BLE001 (whatever weights of others make the library raise)
        raise RecipeError(f"{name} cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    return model.eval(), frozenset({*said["missing_keys"], *(each[0] for each in said["mismatched_keys"])})


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
    return {"config": config, "pixels": {"size": _size(seen, config), **_normal(seen), "colours": _colours(config)}}


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
    found = named if isinstance(named, list) else [named, named]
    return None if None in found else [int(side) for side in found]


def _normal(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and deviation of colours between 0 and 1, by which pictures are standardised."""
    if not seen.get("do_normalize", bool(seen.get("image_mean"))):
        return {"mean": [0.0], "deviation": [1.0]}
    return {"mean": list(seen.get("image_mean", [0.5])), "deviation": list(seen.get("image_std", [0.5]))}


def _colours(config: Mapping[str, Any]) -> int:
    return int(config.get("num_channels", 3))
