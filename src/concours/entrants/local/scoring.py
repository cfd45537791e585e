"""How probable a language model holds texts, behind other texts: in batches, each text before them read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from concours.entrants.local.loading import Loaded
from concours.entrants.local.texts import Tokens

Pair = tuple[Tokens, Tokens]
"""Tokens of a text, and of what is said behind it; both at least one."""


def likelihoods(loaded: Loaded, pairs: Sequence[Pair], batch: int) -> list[list[float]]:
    """The natural log-probability of each token of the second part of each pair, after all before it.

    Law: as of each pair alone, and as of the whole text read at once, to rounding, whatever the batch.

    Args:
        batch: texts that are read at once.
    """
    found: list[list[float]] = [[] for _ in pairs]
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, (before, _) in enumerate(pairs):
        groups.setdefault(tuple(before), []).append(place)
    longest_first = sorted(groups.items(), key=lambda group: -len(group[0]))
    for some in _portions(longest_first, batch):
        befores = [list(before) for before, _ in some]
        places = [(row, place) for row, (_, of) in enumerate(some) for place in of]
        for (_, place), numbers in zip(places, _of_batch(loaded, befores, places, pairs), strict=True):
            found[place] = numbers
    return found


def _portions(groups: Sequence[Any], batch: int) -> Iterator[Sequence[Any]]:
    """Groups of which about `batch` pairs are read at once, one group at least."""
    some, size = list[Any](), 0
    for group in groups:
        if some and size + len(group[1]) > batch:
            yield some
            some, size = [], 0
        some.append(group)
        size += len(group[1])
    if some:
        yield some


def _of_batch(
    loaded: Loaded, befores: Sequence[Tokens], places: Sequence[tuple[int, int]], pairs: Sequence[Pair]
) -> list[list[float]]:
    import torch

    model, device = loaded.model, loaded.model.device
    pad = loaded.tokenizer.pad_token_id
    ids, mask = (torch.tensor(each, device=device) for each in _left(befores, pad))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    afters = [pairs[place][1] for _, place in places]
    more = max(map(len, afters)) > 1
    read = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=more, logits_to_keep=1)
    rows = torch.tensor([row for row, _ in places], device=device)
    first = _picked(read.logits[rows], torch.tensor([[after[0]] for after in afters], device=device))
    if not more:
        return [[number] for number in first[:, 0].tolist()]
    shown, seen = (torch.tensor(each, device=device) for each in _right([after[:-1] for after in afters], pad))
    asked = torch.tensor(_right([after[1:] for after in afters], pad)[0], device=device)
    read.past_key_values.batch_select_indices(rows)
    steps = torch.arange(shown.shape[1], device=device)
    behind = model(
        input_ids=shown,
        attention_mask=torch.cat([mask[rows], seen], 1),
        position_ids=mask[rows].sum(1, keepdim=True) + steps,
        past_key_values=read.past_key_values,
    )
    numbers = torch.cat([first, _picked(behind.logits, asked)], 1).tolist()
    return [row[: len(after)] for row, after in zip(numbers, afters, strict=True)]


def _picked(logits: Any, tokens: Any) -> Any:
    """Log-probabilities (rows, tokens) of tokens, of logits (rows, tokens, words)."""
    logits = logits.float()
    return logits.gather(2, tokens[..., None])[..., 0] - logits.logsumexp(2)


def _left(rows: Sequence[Tokens], pad: int) -> tuple[list[Tokens], list[Tokens]]:
    """Rows of one length, filled on the left, and 1 where they are not filled."""
    longest = max(map(len, rows))
    return (
        [[pad] * (longest - len(row)) + row for row in rows],
        [[0] * (longest - len(row)) + [1] * len(row) for row in rows],
    )


def _right(rows: Sequence[Tokens], pad: int) -> tuple[list[Tokens], list[Tokens]]:
    """The same on the right."""
    longest = max(map(len, rows))
    return (
        [row + [pad] * (longest - len(row)) for row in rows],
        [[1] * len(row) + [0] * (longest - len(row)) for row in rows],
    )
