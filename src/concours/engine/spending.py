"""Spending: what asking language models is going to take, and how much of it a run may take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from concours.compete.search import read_space
from concours.core.entrant import Candidate
from concours.core.errors import ContestError
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.core.values import take
from concours.engine.choosing import way_of
from concours.engine.judging import WAYS, Judge, shown
from concours.engine.rows import get_rows, take_rows
from concours.engine.worded import names_columns, worded
from concours.engine.words import how_of
from concours.entrants.endpoints.price import money
from concours.entrants.endpoints.purse import Purse
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued

_PURSE, _LIMITS = "purse.sqlite", "limits.json"
_LETTERS, _AROUND = 4, 8
"""Letters that a token has, about, and tokens that surround a message."""
_LOOKED_AT = 200
"""Rows by whose length that of all is told."""


def limit(folder: Path, *, cost: float | None, requests: int | None) -> None:
    """Sets what asking may take from now on, by all who work in a store, together with what it took before."""
    Purse(folder / _PURSE, cost, requests)  # refuses what is no limit
    (folder / _LIMITS).write_text(json.dumps({"cost": cost, "requests": requests}))


def purse(store: Store) -> Purse | None:
    """What may be spent; in a store without a folder nothing is bounded."""
    folder = getattr(store, "folder", None)
    if folder is None:
        return None
    limits = Path(folder) / _LIMITS
    given = json.loads(limits.read_text()) if limits.exists() else {}
    return Purse(Path(folder) / _PURSE, given.get("cost"), given.get("requests"))


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What asking about all rows of a task takes, where nothing was asked before.

    Attributes:
        tokens_in: about, at four letters a token, which is few for some languages.
        tokens_out: at most.
        money: of so many; none where somebody has no price.
    """

    requests: int
    tokens_in: int
    tokens_out: int
    money: float | None

    @property
    def said(self) -> str:
        """In words."""
        paid = "" if self.money is None else f": about {self.money:.3g}, if all are so long"
        return (
            f"{self.requests:,} requests, about {self.tokens_in:,} tokens in and at most {self.tokens_out:,} out{paid}"
        )


def forecast(candidate: Candidate, problem: Problem, store: Store) -> Forecast:
    """What one entrant that is asked in words is going to take; one that searches, in all its trials, if all differ.

    Raises:
        ContestError: its prompt does not suit the rows. DataError: these are no words.
    """
    how = how_of(candidate.entrant.recipe, candidate.entrant.params)
    parts = [*([problem.train] if candidate.entrant.honest else []), *([problem.test] if problem.test else [])]
    count, looked_at, letters, out_each = 0, 0, list[int](), 0
    for part in parts:
        some = np.linspace(0, part.rows - 1, min(part.rows, _LOOKED_AT)).astype(np.int64)
        way = way_of(how)(how, take_rows(get_rows(store, part.x), some), output_valued(problem.output))
        letters += [question.size for row in range(len(some)) for question in way.questions(row, ())]
        out_each = how.longest if way.ends else 1
        times = _trials(candidate) if part is problem.train else 1
        looked_at, count = looked_at + len(some), count + part.rows * times
    requests = round(count * len(letters) / max(looked_at, 1))
    each = sum(letters) / max(len(letters), 1) / _LETTERS + _AROUND
    shots = min(how.shots, problem.train.rows)
    into = round(requests * each * (1 + shots))
    out = requests * out_each
    price = how.charged
    return Forecast(
        requests=requests,
        tokens_in=into,
        tokens_out=out,
        money=float(money(price.worst(into, out))) if price else None,
    )


def _trials(candidate: Candidate) -> int:
    """How often it is asked about the training part."""
    return read_space(candidate.entrant.search).trials if candidate.entrant.search else 1


def judging(judge: Judge, problem: Problem, candidates: Sequence[Candidate], store: Store) -> Forecast:
    """What one judge is going to take, if all texts are as long as the questions with their references.

    Raises:
        ContestError: it cannot be asked so.
    """
    letters, texts = 0.0, 0
    for part in (problem.train, *([problem.test] if problem.test else [])):
        some = np.linspace(0, part.rows - 1, min(part.rows, _LOOKED_AT)).astype(np.int64)
        words = [shown(row) for row in worded(take_rows(get_rows(store, part.x), some))]
        references = take(get_values(store, part.y), some).to_pylist()
        judged = sum(c.entrant.honest or part is problem.test for c in candidates if c.entrant.role != "baseline")
        each = sum(len(one) + 2 * len(other) for one, other in zip(words, references, strict=True)) / len(some)
        letters += judged * part.rows * each
        texts += judged * part.rows
    requests = into = 0
    for way in problem.output.meta["asks"]:
        places, around = len(WAYS[way].places), len(judge.prompt(way).template) / _LETTERS + _AROUND
        requests += places * texts
        into += round(places * (letters / _LETTERS + texts * around))
    out, price = requests * judge.how.longest, judge.how.charged
    paid = float(money(price.worst(into, out))) if price else None
    return Forecast(requests=requests, tokens_in=into, tokens_out=out, money=paid)


def told(candidates: Sequence[Candidate], problem: Problem, store: Store) -> list[str]:
    """What asking entrants in words, and judges of all, is going to take, a line each and one of all.

    Raises:
        ContestError: a prompt does not suit the rows, or a judge cannot be asked so, and whose.
    """
    asked, notes = {}, []
    for candidate in (candidate for candidate in candidates if candidate.entrant.had.calls):
        name, prompt = candidate.entrant.name, candidate.entrant.params.get("prompt")
        try:
            asked[name] = forecast(candidate, problem, store)
            if prompt is not None and not names_columns(prompt):
                notes.append(f"{name}: its prompt names no column, so it is said behind the question")
        except ContestError as error:
            raise ContestError(f"entrant {name}: {error}") from None
    for one in (judge for judge in problem.output.meta.get("judges", ()) if "said" not in judge):
        judge = Judge.of(one, problem.output.meta["rubric"])
        asked[f"the judge {judge.name}"] = judging(judge, problem, candidates, store)
    if len(asked) < 2:
        return [*notes, *(f"{name} is asked: {each.said}" for name, each in asked.items())]
    paid = [each.money for each in asked.values() if each.money is not None]
    whole = Forecast(
        requests=sum(each.requests for each in asked.values()),
        tokens_in=sum(each.tokens_in for each in asked.values()),
        tokens_out=sum(each.tokens_out for each in asked.values()),
        money=sum(paid) if len(paid) == len(asked) else None,
    )
    return [*notes, *(f"{name} is asked: {each.said}" for name, each in asked.items()), f"in all {whole.said}"]
