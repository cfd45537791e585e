"""What a language model says: in batches, greedily, or by chance that hangs on a seed of each answer alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from concours.entrants.local.loading import Loaded
from concours.entrants.local.texts import Tokens


@dataclass(frozen=True, kw_only=True)
class How:
    """How an answer is made.

    Attributes:
        temperature: 0 for the most probable token each time.
        top_p: the share of the probability that the tokens that may be drawn have, the most probable first.
        stop: texts at which it ends, without them.
        most: tokens that it has at most.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    most: int = 512


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer: its text, how many tokens it took, and whether it ended by itself."""

    text: str
    tokens: int
    ended: bool


def answers(loaded: Loaded, prompts: Sequence[Tokens], seeds: Sequence[int], how: How) -> list[Said]:
    """What is said behind each prompt; all are one batch.

    Law: of each as if it were alone, but for rounding, which may turn the balance between tokens that are about equally
    probable.

    Args:
        seeds: of each answer; without a temperature nothing hangs on them.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    tokenizer, device = loaded.tokenizer, loaded.model.device
    longest = max(map(len, prompts))
    ids = [[tokenizer.pad_token_id] * (longest - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    drawing = [_Drawn(seeds, how)] if how.temperature > 0 else []
    made = loaded.model.generate(
        input_ids=torch.tensor(ids, device=device),
        attention_mask=torch.tensor(mask, device=device),
        do_sample=False,
        max_new_tokens=how.most,
        logits_processor=LogitsProcessorList(drawing),
        stopping_criteria=StoppingCriteriaList([_Stopped(tokenizer, longest, how.stop)] if how.stop else []),
    )
    return [_said(loaded, row, how) for row in made[:, longest:].tolist()]


def _said(loaded: Loaded, tokens: Tokens, how: How) -> Said:
    """The answer in a row of tokens, which are filled up behind its end."""
    end = next((place for place, token in enumerate(tokens) if token in loaded.ends), None)
    own = tokens if end is None else tokens[:end]
    if how.stop and (cut := _stopped_at(loaded.tokenizer, own, how.stop)) is not None:
        text, count = cut
        return Said(text=text, tokens=count, ended=True)
    text = loaded.tokenizer.decode(own, skip_special_tokens=True)
    return Said(text=text, tokens=len(own) + (end is not None), ended=end is not None)


def _stopped_at(tokenizer: Any, tokens: Tokens, stop: tuple[str, ...]) -> tuple[str, int] | None:
    """The text before the first of the texts at which it ends, and how many tokens it took to say that."""
    text = tokenizer.decode(tokens, skip_special_tokens=True)
    first = min((place for each in stop if (place := text.find(each)) >= 0), default=None)
    if first is None:
        return None
    said = range(1, len(tokens) + 1)
    took = next(count for count in said if _holds(tokenizer.decode(tokens[:count], skip_special_tokens=True), stop))
    return text[:first], took


def _holds(text: str, stop: tuple[str, ...]) -> bool:
    return any(each in text for each in stop)


class _Stopped:
    """Which rows have said a text at which they end."""

    def __init__(self, tokenizer: Any, begin: int, stop: tuple[str, ...]) -> None:
        self._tokenizer, self._begin, self._stop = tokenizer, begin, stop
        self._looked_at = 2 + max(len(each.encode()) for each in stop)

    def __call__(self, ids: Any, scores: Any, **more: Any) -> Any:
        import torch

        ends = ids[:, self._begin :][:, -self._looked_at :].tolist()
        found = [_holds(self._tokenizer.decode(end, skip_special_tokens=True), self._stop) for end in ends]
        return torch.tensor(found, device=ids.device)


class _Drawn:
    """Draws tokens by chance, row by row."""

    def __init__(self, seeds: Sequence[int], how: How) -> None:
        import torch

        self._how = how
        self._chances = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, ids: Any, scores: Any) -> Any:
        import torch

        return torch.stack([_noisy(row, self._how, chance) for row, chance in zip(scores, self._chances, strict=True)])


def chosen(scores: Any, how: How, chance: Any) -> int:
    """The next token, of scores (words,): the most probable one, or one drawn by a generator of chance."""
    return int((_noisy(scores, how, chance) if how.temperature > 0 else scores).argmax())


def _noisy(scores: Any, how: How, chance: Any) -> Any:
    """Scores (words,) whose largest is one drawn at random: with noise of Gumbel's law (Gumbel 1954)."""
    import torch

    scores = scores.float() / how.temperature
    if how.top_p < 1:
        scores = _among_the_likeliest(scores, how.top_p)
    even = torch.rand(len(scores), generator=chance)
    return scores - (-even.clamp(min=1e-20).log()).log().to(scores.device)


def _among_the_likeliest(scores: Any, share: float) -> Any:
    """Scores (words,), minus infinity of words beyond the most probable ones that have the share together."""
    ordered, places = scores.sort(descending=True)
    probabilities = ordered.softmax(0)
    beyond = probabilities.cumsum(0) - probabilities >= share
    return scores.masked_fill(beyond.gather(0, places.argsort()), float("-inf"))
