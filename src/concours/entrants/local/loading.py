"""Loading a language model from a folder, once a process: no code of the folder is run, only safetensors are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from concours.core.errors import RecipeError


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready.

    Attributes:
        model: of transformers, for causal language modelling.
        tokenizer: of transformers; it pads on the left.
        ends: tokens with which an answer ends.
        longest: tokens that it can read and say in all; 0 where it does not tell.
    """

    model: Any
    tokenizer: Any
    ends: tuple[int, ...]
    longest: int

    @property
    def begin(self) -> int:
        """The token before the first: that with which texts begin, or else end (as lm-evaluation-harness has it)."""
        own = self.tokenizer.bos_token_id
        return int(self.ends[0] if own is None else own)


@lru_cache(maxsize=1)
def loaded(folder: Path, dtype: str) -> Loaded:
    """The model of a folder, on the GPU where there is one.

    Raises:
        RecipeError: it cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", **given)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), use_safetensors=True, **given
        ).eval()
    except Exception as error:  # noqa: BLE001 (whatever a folder of others makes the library raise)
        raise RecipeError(f"{folder.name} cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    ends = _ends(model, tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = ends[0]
    # what a folder says of temperature or penalties would change what is asked
    model.generation_config = GenerationConfig(eos_token_id=list(ends), pad_token_id=tokenizer.pad_token_id)
    config = model.config.get_text_config()
    return Loaded(model, tokenizer, ends, int(getattr(config, "max_position_embeddings", 0) or 0))


def _ends(model: Any, tokenizer: Any) -> tuple[int, ...]:
    named = getattr(model.generation_config, "eos_token_id", None)
    found = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    ends = tuple(dict.fromkeys(int(each) for each in found if each is not None))
    if not ends:
        raise RecipeError("its tokenizer names no token with which a text ends (eos_token)")
    return ends


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads inside; put back after."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
