"""Texts as the numbers of tokens that a model of Hugging Face takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any


class Tokens:
    """Texts as numbers of tokens.

    Args:
        told: `tokenizer`, the text of a `tokenizer.json`; `pad`, the number that stands where no token is; `length`,
            the most tokens of a text.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told

    @property
    def pad(self) -> int:
        return int(self.told["pad"])

    def of(self, texts: Any, length: int) -> list[list[int]]:
        """The first tokens of each text, so many at most; one at least, that stands for nothing."""
        self._tokenizer.enable_truncation(length)
        return [self._tokenizer.encode(text).ids or [self.pad] for text in texts]

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        found = Tokenizer.from_str(self.told["tokenizer"])
        found.no_padding()
        return found
