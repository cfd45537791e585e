"""Six recorded models on grade-school mathematics: does joining their answers beat the best of them, and at which cost?

    python benchmarks/joining_answers.py

Answers to the 1,319 questions of GSM8K's test part. An answer is right if it is the same number as the reference; the
flags of the source, by which GPT-4 has 0.857, misread some. Asking a model about a question costs 1, 4, 10 or 20, by
its size: 6B, Mixtral 8x7B, 175B, GPT-4; that is a ratio of prices, and all answers are taken to be equally long. Five
folds, three divisions: everything is found on four fifths of the questions, cross-fitted within, by the very jobs of a
contest, and told of the last fifth: the mean over divisions, and their standard deviation.

- `majority`, `select`: all six are asked.
- `cascade`, `route`: the cheapest of what is worse than the best model alone by no more than one standard error; and
  the best of what costs 60% and 80% of it at most (`budget`).
- `oracle`: all are asked, and whoever is right is known. `cheapest right`: asks whoever is cheapest of those who are
  right, and if nobody is the cheapest: what no router exceeds.

Then what the cheapest cascade costs that was as good as the best model alone, and as good but for one standard error,
of all that were tried on four fifths: by hindsight, so rather too little. And what a cascade of 6B with a verifier,
Mixtral and GPT-4 scores at a given cost, by what tells how sure Mixtral's answer is: whether both agree, by lot where
that is the same; a contest's scorer; and one that reads the worked solution too, which a contest does not.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.runners import RUNNERS
from concours.kernels.joining.scorers import fit_scorer
from concours.stores.blobs import put_array, put_texts
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.answer import Answer

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DATA = Path(os.environ.get("CONCOURS_DATA", "data")) / "llm-gsm8k"
COSTS = {
    "6b_finetuning": 1.0,
    "6b_verification": 1.0,
    "mistralai/Mixtral-8x7B-Instruct-v0.1": 4.0,
    "175b_finetuning": 10.0,
    "175b_verification": 10.0,
    "gpt-4-1106-preview": 20.0,
}
MODELS, PRICES = list(COSTS), list(COSTS.values())
FOLDS, DIVISIONS = 5, 3
OUTPUT = Answer(extract="last-number")


def lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt") as found:
        return [json.loads(line) for line in found]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Questions (rows,), right answers, and what each model answered, as a contest has them; and who is right."""

    questions: list[str]
    y: Any
    told: list[Any]
    right: Floats

    @classmethod
    def read(cls) -> Answers:
        questions, said = lines("questions.jsonl.gz"), pd.DataFrame(lines("solutions.jsonl.gz"))
        written = [[str(row["final"])] for row in questions]
        finals = [said[said["model"] == model].sort_values("id")["final"] for model in MODELS]
        told = [[None if pd.isna(value) else f"{value:.12g}" for value in of] for of in finals]
        y, given = pa.array(written, pa.list_(pa.string())), [pa.array(of, pa.string()) for of in told]
        predictions = [OUTPUT.accepted(of, len(y)) for of in given]
        metric = OUTPUT.metric("numeric_match")
        right = np.stack([metric.row_scores(y, p) for p in predictions], axis=1)
        return cls(questions=[row["question"] for row in questions], y=y, told=predictions, right=right)


class Side:
    """Four fifths to find out on, and a fifth to tell of, as inputs of jobs."""

    def __init__(self, of: Answers, known: Codes, others: Codes, seed: int) -> None:
        self.of, self.known, self.others, self.store = of, known, others, MemoryStore()
        folds = np.zeros(len(known), dtype=np.int64)
        for fold, (_, held) in enumerate(KFold(FOLDS - 1, shuffle=True, random_state=seed).split(known)):
            folds[held] = fold
        self.learned = {
            "y": put_values(self.store, take(of.y, pa.array(known))),
            "folds": put_array(self.store, folds),
            "x": self._texts(known),
            **{f"oof{i}": put_values(self.store, take(p, pa.array(known))) for i, p in enumerate(of.told)},
        }
        self.told = {f"test{i}": put_values(self.store, take(p, pa.array(others))) for i, p in enumerate(of.told)}
        self.models: dict[str, Digest] = {}
        self.told |= {"test_x": self._texts(others), "folds": self.learned["folds"]}

    def _texts(self, rows: Codes) -> Digest:
        return put_texts(self.store, pa.chunked_array([[self.of.questions[row] for row in rows]]))

    def found(self, runner: str, **params: Any) -> Mapping[str, Any]:
        """What is found on four fifths."""
        return self._done(runner, self.learned, (), params).values

    def answered(self, runner: str, **params: Any) -> tuple[Any, Mapping[str, Any]]:
        """What is answered of the last fifth."""
        done = self._done(runner, {**self.told, **self.models}, ("test",), params)
        return get_values(self.store, done.outputs["test"]), done.values

    def router(self) -> None:
        done = self._done("router", self.learned, ("model",), {})
        self.models = {"model": done.outputs["model"]}

    def _done(
        self, runner: str, inputs: Mapping[str, Digest], outputs: Sequence[str], params: Mapping[str, Any]
    ) -> Any:
        every = {"metrics": ["numeric_match"], "output": OUTPUT.value.told, "without_fold": None, **params}
        job = Job(runner=runner, inputs=dict(inputs), params=every, outputs=tuple(outputs))
        return RUNNERS[runner].runner(job, self.store)

    def score(self, answers: Any) -> float:
        y = take(self.of.y, pa.array(self.others))
        return float(OUTPUT.metric("numeric_match").score(y, answers))


Way = Callable[[Side], tuple[float, float]]
"""The score of the last fifth, and the cost of a question."""


def majority(side: Side) -> tuple[float, float]:
    weights = side.found("worth", rule="vote")["weights"]
    return side.score(side.answered("blend", weights=weights, rule="vote")[0]), sum(PRICES)


def select(side: Side) -> tuple[float, float]:
    scorers = side.found("scorers")["scorers"]
    return side.score(side.answered("pick", scorers=scorers)[0]), sum(PRICES)


def listed(values: Sequence[Any], asked: Sequence[int], none: Any) -> list[Any]:
    of = dict(zip(asked, values, strict=True))
    return [of.get(member, none) for member in range(len(MODELS))]


def cascade(budget: float | None) -> Way:
    def way(side: Side) -> tuple[float, float]:
        found = side.found("cascade", costs=PRICES, budget=budget)
        order = sorted(range(len(MODELS)), key=lambda member: (PRICES[member], member))
        assert order == list(range(len(MODELS)))
        asked, names = found["asked"], ("thresholds", "scorers")
        how = {name: listed(found[name], asked, 0.0) for name in names}
        answers, told = side.answered("ask", asked=listed(found["asks"], asked, 0.0), **how)
        if budget is None:
            HINDSIGHT.append((found["curve"], side.of.right[side.known, -1]))
        return side.score(answers), float(np.dot(told["asked"], PRICES))

    return way


HINDSIGHT: list[tuple[list[list[float]], Floats]] = []


def route(budget: float | None) -> Way:
    def way(side: Side) -> tuple[float, float]:
        found = side.found("route", costs=PRICES, budget=budget)
        side.router()
        how = {"weights": listed(found["shares"], found["asked"], 0.0)}
        how |= {"handicaps": listed(found["handicaps"], found["asked"], 0.0)}
        answers, told = side.answered("send", **how)
        return side.score(answers), float(np.dot(told["asked"], PRICES))

    return way


def cheapest_right(side: Side) -> tuple[float, float]:
    right = side.of.right[side.others]
    return float(right.any(axis=1).mean()), float(np.asarray(PRICES)[right.argmax(axis=1)].mean())


def alone(member: int) -> Way:
    return lambda side: (float(side.of.right[side.others, member].mean()), PRICES[member])


WAYS: dict[str, Way] = {
    **{model.rpartition("/")[2]: alone(member) for member, model in enumerate(MODELS)},
    "majority": majority,
    "select": select,
    "cascade": cascade(None),
    "cascade, 80%": cascade(0.8 * PRICES[-1]),
    "cascade, 60%": cascade(0.6 * PRICES[-1]),
    "route": route(None),
    "route, 80%": route(0.8 * PRICES[-1]),
    "route, 60%": route(0.6 * PRICES[-1]),
    "oracle": lambda side: (float(side.of.right[side.others].any(axis=1).mean()), sum(PRICES)),
    "cheapest right": cheapest_right,
}


# By what Mixtral is believed, where 6B with a verifier was asked before it


def agreement(of: Answers, solutions: list[str]) -> Floats:  # noqa: ARG001
    return OUTPUT.agreement(of.told[2], of.told[1])


def scored(of: Answers, solutions: list[str]) -> Floats:  # noqa: ARG001
    heard = Heard(output=OUTPUT, told=of.told, texts=of.questions)
    return cross_fitted(heard.of(2, [1]), of.right[:, 2])


def solutions_read(of: Answers, solutions: list[str]) -> Floats:
    """Beside that evidence what a ridge regression on words and pairs of words of the solution tells."""
    heard, told = Heard(output=OUTPUT, told=of.told, texts=of.questions), np.zeros(len(solutions))
    for known, others in KFold(FOLDS, shuffle=True, random_state=1).split(solutions):
        vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        terms = vectors.fit_transform([solutions[row] for row in known])
        ridge = Ridge(alpha=16.0).fit(terms, of.right[known, 2])
        told[others] = ridge.predict(vectors.transform([solutions[row] for row in others]))
    shape = [[np.log1p(len(text)), text.count("="), text.count("\n")] for text in solutions]
    return cross_fitted(np.column_stack([heard.of(2, [1]), told, shape]), of.right[:, 2])


def cross_fitted(evidence: Floats, right: Floats) -> Floats:
    told = np.zeros(len(right))
    for known, others in KFold(FOLDS, shuffle=True, random_state=0).split(right):
        told[others] = fit_scorer(evidence[known], right[known]).expected(evidence[others])
    return told


def print_by_what(of: Answers) -> None:
    """What a cascade of the three comes to that spends so much: whom to believe is learned on other folds."""
    said = pd.DataFrame(lines("solutions.jsonl.gz"))
    solutions = said[said["model"] == MODELS[2]].sort_values("id")["solution"].tolist()
    ways = {"agreement": agreement, "scorer": scored, "scorer that reads the solution too": solutions_read}
    print("\n| 6B, Mixtral, GPT-4; Mixtral believed by | " + " | ".join(f"{s:.0%} of the cost" for s in SPENT) + " |")
    print("|---|" + "---:|" * len(SPENT))
    for name, way in ways.items():
        order = np.argsort(-way(of, solutions), kind="stable")
        gained = np.append(0.0, np.cumsum((of.right[:, 2] - of.right[:, -1])[order])) / len(order)
        places = [round(len(order) * (1 - (s - (PRICES[1] + PRICES[2]) / PRICES[-1]))) for s in SPENT]
        print(f"| {name} | " + " | ".join(f"{of.right[:, -1].mean() + gained[place]:.3f}" for place in places) + " |")


SPENT = (0.6, 0.7, 0.8, 0.9)


def sides(of: Answers) -> Iterator[list[Side]]:
    """For each division its five."""
    for seed in range(DIVISIONS):
        split = KFold(FOLDS, shuffle=True, random_state=seed).split(of.questions)
        yield [Side(of, known, others, seed) for known, others in split]


def main() -> None:
    of = Answers.read()
    divisions = list(sides(of))
    best, dearest = float(of.right[:, -1].mean()), PRICES[-1]
    print(f"{len(of.questions):,} questions, {FOLDS} folds, {DIVISIONS} divisions\n")
    print("| | score | against GPT-4 | cost of a question | of GPT-4's | CPU s a fold |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, way in WAYS.items():
        began = time.process_time()
        told = np.array([np.mean([way(side) for side in each], axis=0) for each in divisions])
        took = (time.process_time() - began) / FOLDS / DIVISIONS
        (score, cost), spread = told.mean(axis=0), told.std(axis=0, ddof=1)
        print(
            f"| {name} | {score:.3f} ± {spread[0]:.3f} | {score - best:+.3f} | {cost:.1f} ± {spread[1]:.1f} "
            f"| {cost / dearest:.0%} | {took:.1f} |",
            flush=True,
        )
    for errors, words in ((0.0, "as good as GPT-4"), (1.0, "as good but for one standard error")):
        least = []
        for curve, right in HINDSIGHT:
            enough = right.mean() - errors * right.std() / np.sqrt(len(right))
            least.append(min(cost for _, cost, score in curve if score >= enough - 1e-9))
        shares = np.array(least) / dearest
        print(f"\nBy hindsight {words}: {shares.mean():.0%} of its cost ({shares.min():.0%} to {shares.max():.0%})")
    print_by_what(of)


if __name__ == "__main__":
    main()
