"""Tokenizers and other files that a model has beside its weights: which are carried along, and whether they agree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from concours.core.errors import DataError

TOKENIZER: Final = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "chat_template.jinja",
    "chat_template.json",
)  # fmt: skip
OTHERS: Final = ("generation_config.json", "preprocessor_config.json", "processor_config.json")


def carry(files: tuple[str, ...], source: Path, to: Path) -> list[str]:
    """Copies those of some files that there are. Returns their names."""
    found = [name for name in files if (source / name).is_file()]
    for name in found:
        shutil.copyfile(source / name, to / name)
    return found


def agree(models: Mapping[str, Path], taken: str, *, united: bool) -> list[str]:
    """What is to be known of tokenizers that differ: a token of one number would be another's in another model.

    Args:
        taken: the model whose tokenizer is kept.
        united: whether all vocabularies were to be put together.

    Raises:
        DataError: they were to be put together, and are not the same.
    """
    known = {name: found for name, path in models.items() if (found := _tokens(path)) is not None}
    if taken not in known:
        return []
    notes = []
    for name, tokens in known.items():
        differ = sum(known[taken].get(token) != number for token, number in tokens.items())
        differ += sum(token not in tokens for token in known[taken])
        if differ and united:
            raise DataError(
                f"tokenizer_source: union: the vocabularies of {taken} and {name} differ in {differ:,} tokens, and "
                "rows of embeddings are not matched by token here; merge models of one vocabulary, or name one (base)"
            )
        if differ:
            notes.append(f"the vocabularies of {taken} and {name} differ in {differ:,} tokens; that of {taken} is kept")
    return notes


def _tokens(path: Path) -> dict[str, int] | None:
    """Tokens and their numbers, as a `tokenizer.json` has them; none where it is not there or of another form."""
    try:
        content = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
        vocabulary = content["model"]["vocab"]
        found = (
            dict(vocabulary) if isinstance(vocabulary, dict) else {str(row[0]): at for at, row in enumerate(vocabulary)}
        )
        return found | {row["content"]: row["id"] for row in content.get("added_tokens", [])}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
