"""Models of the library `transformers`, made from what a folder of Hugging Face holds: its configuration and weights.

Nothing of a folder is run, and nothing decides for it whose code is, or in which numbers is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from concours.core.errors import RecipeError

OURS = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config")
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

    left = OURS if outputs is None else (*OURS, *_OF_LABELS)
    own = {name: value for name, value in told.items() if name not in left}
    try:
        config = AutoConfig.for_model(own.pop("model_type", None), **own)
    except Exception as error:  # noqa: BLE001 (whatever a configuration of others makes the library raise)
        raise RecipeError(
            f"config.json describes no model of transformers: {' '.join(str(error).split())[:120]}"
        ) from None
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
