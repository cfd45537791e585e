"""Answers of a language model to requests that come and go: each joins the batch between two tokens, and leaves it when
its answer ends (Yu et al. 2022, "Orca": scheduling by iteration).

What was read of each is kept (its keys and values), in one batch that is filled up on the left: so all rows go on at
the right, and what is filled up is cut off again as soon as the longest row has left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from concours.core.errors import DataError, RecipeError
from concours.entrants.local.generating import How, chosen
from concours.entrants.local.loading import Loaded
from concours.entrants.local.texts import Tokens

ROWS: Final = 32
"""Answers that are made at once."""
BYTES: Final = 2 << 30
"""Of what is kept of texts that were read."""
_READ: Final = 256
"""Tokens that are read before the next token of the others."""
_SUITED: Final = ("full_attention", "sliding_attention")
"""Layers whose state is keys and values of each token."""
_LOST: Final = "�"
"""What stands for a letter of which not all bytes are there."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be answered.

    Attributes:
        prompt: tokens, one at least.
        likeliest: of each token of the answer, so many of the likeliest are told; none: no probabilities.
    """

    prompt: Tokens
    how: How
    seed: int
    likeliest: int | None = None


@dataclass(frozen=True)
class Probable:
    """A token, the natural logarithm of its probability, and the likeliest ones in its place, with theirs."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Told:
    """What came of a step for one answer.

    Attributes:
        text: that is new of it, perhaps none.
        tokens: of the answer so far.
        finish: `stop` where it ended by itself, `length` where it may have no more tokens, and empty while it goes on.
        probable: of the token that was said, where that is asked for.
    """

    id: int
    text: str
    tokens: int
    finish: str = ""
    probable: Probable | None = None


@dataclass(eq=False)
class _Row:
    id: int
    wish: Wish
    chance: Any
    said: list[int] = field(default_factory=list)
    text: str = ""
    """What was told."""

    @property
    def longest(self) -> int:
        return len(self.wish.prompt) + self.wish.how.most


class Continuous:
    """The answers of a model that are under way.

    Law: each text is that of `generating.answers` for its prompt alone, with its seed, but for rounding; so it does not
    hang on who else is asked.

    Args:
        rows: answers at once; others wait.
        size: bytes of keys and values at most; others wait.

    Raises:
        RecipeError: the model keeps something else of a text than keys and values.
    """

    def __init__(self, loaded: Loaded, *, rows: int = ROWS, size: int = BYTES) -> None:
        config = loaded.model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ()) - set(_SUITED)
        if kinds or getattr(loaded.model, "_is_stateful", False):
            raise RecipeError(f"its layers ({', '.join(sorted(kinds)) or 'with a state'}) keep no keys and values")
        self._loaded, self._most = loaded, rows
        self._cells = size // _bytes_of_token(config, loaded.model.dtype.itemsize)
        self._waiting: deque[_Row] = deque()
        self._reading: list[_Row] = []
        self._read: Any = None
        self._rows: list[_Row] = []
        self._kept: Any = None
        self._mask: Any = None

    @property
    def busy(self) -> bool:
        """Whether a step has anything to do."""
        return bool(self._waiting or self._reading or self._rows)

    def take(self, id: int, wish: Wish) -> None:
        """A new request. Raises DataError where it is longer than what the model reads, or what may be kept."""
        import torch

        longest, whole = self._loaded.longest, len(wish.prompt) + wish.how.most
        if longest and whole > longest:
            raise DataError(
                f"{len(wish.prompt)} tokens and room for {wish.how.most} more are more than the {longest} that the "
                "model reads"
            )
        if whole > self._cells:
            raise DataError(f"{whole} tokens need more memory than a request may have; ask for fewer")
        self._waiting.append(_Row(id, wish, torch.Generator().manual_seed(wish.seed)))

    def drop(self, id: int) -> None:
        """Ends a request whose answer nobody wants any more; its place is free."""
        self._waiting = deque(row for row in self._waiting if row.id != id)
        self._reading = [row for row in self._reading if row.id != id]
        self._keep([place for place, row in enumerate(self._rows) if row.id != id])

    def step(self) -> list[Told]:
        """The next token of each answer, and the first of those whose requests have been read meanwhile."""
        import torch

        with torch.inference_mode():
            told = self._went_on() if self._rows else []
            return told + self._taken_in()

    def _went_on(self) -> list[Told]:
        import torch

        device = self._loaded.model.device
        new = torch.tensor([[row.said[-1]] for row in self._rows], device=device)
        mask = torch.cat([self._mask, torch.ones_like(new)], 1)
        found = self._loaded.model(
            input_ids=new,
            attention_mask=mask,
            position_ids=self._mask.sum(1, keepdim=True),
            past_key_values=self._kept,
            use_cache=True,
        )
        self._mask = mask
        told = [self._says(row, scores) for row, scores in zip(self._rows, found.logits[:, -1], strict=True)]
        self._keep([place for place, each in enumerate(told) if not each.finish])
        return told

    def _taken_in(self) -> list[Told]:
        """Those that wait are read together as far as they are short, and a long one in parts: so nobody waits long."""
        import torch
        from transformers import DynamicCache

        if not self._reading:
            self._reading, self._read = self._next(), DynamicCache()
        if not (rows := self._reading):
            return []
        prompts, device = [row.wish.prompt for row in rows], self._loaded.model.device
        width, begin = max(map(len, prompts)), self._read.get_seq_length()
        end = min(width, begin + max(1, _READ // len(rows)))
        fill = self._loaded.tokenizer.pad_token_id
        ids = torch.tensor([[fill] * (width - len(each)) + each for each in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in prompts], device=device)
        found = self._loaded.model(
            input_ids=ids[:, begin:end],
            attention_mask=mask[:, :end],
            position_ids=(mask.cumsum(1) - 1).clamp(min=0)[:, begin:end],
            past_key_values=self._read,
            use_cache=True,
            logits_to_keep=1,
        )
        if end < width:
            return []
        told = [self._says(row, scores) for row, scores in zip(rows, found.logits[:, -1], strict=True)]
        self._join(rows, self._read, mask)
        self._reading, self._read = [], None
        self._keep([place for place, row in enumerate(self._rows) if row.id not in {t.id for t in told if t.finish}])
        return told

    def _next(self) -> list[_Row]:
        """Who may be read now: as many as are short together, or one."""
        found = list[_Row]()
        while self._waiting and self._fits(found, self._waiting[0]):
            found.append(self._waiting.popleft())
        return found

    def _fits(self, found: Sequence[_Row], row: _Row) -> bool:
        if found and (len(found) + 1) * max(len(each.wish.prompt) for each in (*found, row)) > _READ:
            return False
        whole = [*self._rows, *found, row]
        return len(whole) <= self._most and len(whole) * max(each.longest for each in whole) <= self._cells

    def _says(self, row: _Row, scores: Any) -> Told:
        """The next token of an answer, of scores (words,)."""
        how, ends, tokenizer = row.wish.how, self._loaded.ends, self._loaded.tokenizer
        scores = scores.float()
        token = chosen(scores, how, row.chance)
        row.said.append(token)
        ended, count = token in ends, len(row.said)
        text = tokenizer.decode(row.said[:-1] if ended else row.said, skip_special_tokens=True)
        stopped = min((place for each in how.stop if (place := text.find(each)) >= 0), default=None)
        if stopped is not None:
            text, ended = text[:stopped], True
        finish = "stop" if ended else "length" if count >= how.most else ""
        sure = text if finish else _sure(text, how.stop)
        new = sure[len(row.text) :] if sure.startswith(row.text) else ""
        row.text += new
        return Told(row.id, new, count, finish, self._probable(row.wish.likeliest, scores, token))

    def _probable(self, count: int | None, scores: Any, token: int) -> Probable | None:
        if count is None:
            return None
        told, decode = scores.log_softmax(0), self._loaded.tokenizer.decode
        top = told.topk(count) if count else None
        likeliest = [] if top is None else zip(top.indices.tolist(), top.values.tolist(), strict=True)
        return Probable(
            decode([token]), float(told[token]), tuple((decode([each]), number) for each, number in likeliest)
        )

    def _join(self, rows: list[_Row], kept: Any, mask: Any) -> None:
        """Puts what was read of requests below that of the others; the shorter is filled up on the left."""
        import torch

        if not self._rows:
            self._rows, self._kept, self._mask = rows, kept, mask
            return
        for mine, others in zip(kept.layers, self._kept.layers, strict=True):
            if mine.is_initialized:
                others.keys = _below(others.keys, mine.keys)
                others.values = _below(others.values, mine.values)
        most, pad = max(self._mask.shape[1], mask.shape[1]), torch.nn.functional.pad
        self._mask = torch.cat([pad(each, (most - each.shape[1], 0)) for each in (self._mask, mask)])
        self._rows = [*self._rows, *rows]

    def _keep(self, places: Sequence[int]) -> None:
        """Only these rows, and no column that none of them has."""
        import torch

        if len(places) == len(self._rows):
            return
        self._rows = [self._rows[place] for place in places]
        if not places:
            self._kept = self._mask = None
            return
        chosen_ = torch.tensor(places, device=self._mask.device)
        self._mask = self._mask[chosen_]
        width = int(self._mask.sum(1).max())
        self._mask = self._mask[:, -width:]
        for layer in self._kept.layers:
            if layer.is_initialized:
                layer.keys, layer.values = (
                    each[chosen_][:, :, -width:].contiguous() for each in (layer.keys, layer.values)
                )


def _below(first: Any, second: Any) -> Any:
    """(rows, heads, tokens, width) of both, filled up on the left to one length."""
    import torch

    most = max(first.shape[2], second.shape[2])
    pad = torch.nn.functional.pad
    return torch.cat([pad(each, (0, 0, most - each.shape[2], 0)) for each in (first, second)])


def _sure(text: str, stop: Sequence[str]) -> str:
    """A text without what the next token may change: half a letter, a blank, and what a text to stop at begins with."""
    text = text.rstrip(_LOST).rstrip()
    held = max((n for each in stop for n in range(1, len(each)) if text.endswith(each[:n])), default=0)
    return text[: len(text) - held]


def _bytes_of_token(config: Any, itemsize: int) -> int:
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(config.num_hidden_layers * 2 * heads * width * itemsize)
