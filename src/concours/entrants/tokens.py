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
        """The first tokens of each text, or pair of texts, so many at most; one at least, that stands for nothing."""
        self._tokenizer.enable_truncation(length)
        each = ((text,) if isinstance(text, str) else text for text in texts)
        return [self._tokenizer.encode(*some).ids or [self.pad] for some in each]

    def placed(self, text: str, length: int) -> tuple[list[int], list[tuple[int, int]]]:
        """The first tokens of a text, as `of` has them, and from which letter up to which each stands for."""
        self._tokenizer.enable_truncation(length)
        found = self._tokenizer.encode(text)
        return (found.ids, found.offsets) if found.ids else ([self.pad], [(0, 0)])

    def text(self, numbers: list[int]) -> str:
        """What tokens say, without those that stand for no text."""
        found: str = self._tokenizer.decode(numbers, skip_special_tokens=True)
        return " ".join(found.split())

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        found = Tokenizer.from_str(self.told["tokenizer"])
        found.no_padding()
        return found
