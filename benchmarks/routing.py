"""From the question alone to the model: how much of the gap between a weak and a strong model routers recover.

    python benchmarks/routing.py [--embeddings KEPT.npz]

Recorded answers of two models, five folds, each question in the fold of its like (questions of one text are in one).
Told is the share of the gap from weak to strong that a router recovers, averaged over the share of questions that go to
the strong model (APGR of Ong et al. 2024, "RouteLLM"; 0.5 by chance): the mean over folds with its standard error over
folds, and how far it is ahead of chance in these units. All routers learn from and are told of the same rows.

- `random`: an order drawn by chance.
- `k-NN` and `MLP`: as RouterBench has them (Hu et al. 2024, and the settings of its repository): the mean score of the
  5, 10 or 40 questions nearest by the cosine of embeddings; a network a model, of one hidden layer of 100 or two, ReLU,
  Adam at 0.001, 200 epochs at most. Embeddings are of all-MiniLM-L6-v2, where RouterBench's are of its sister of twelve
  layers, which is in no package.
- `TF-IDF and ridge`: words and pairs of words, scikit-learn's own defaults, no stop words.
- `route`: what a contest has (`engine.routers`).
- `oracle`: knows the answers; what no router can exceed, if it stops where nothing is gained.

And what a contest's own choice comes to (`kernels.joining.routing`): the strong model costs ten times the weak one; by
the folds but one is chosen which questions go where, so that no more than a standard error is lost, and on the last it
is told what that costs and scores.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor

from concours.engine.routers import fit_router
from concours.kernels.joining.routing import cheapest_route, chosen, curve_of_two, gap_recovered

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DATA = Path(os.environ.get("CONCOURS_DATA", "data"))
FOLDS, COSTS = 5, (1.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Set:
    """Questions (rows,), whether the weak and the strong model is right (rows, 2), and embeddings, where there are."""

    name: str
    questions: NDArray[np.object_]
    scores: Floats
    embedded: Floats | None

    @property
    def texts(self) -> Codes:
        """(rows,) the number of each different question."""
        return np.unique(self.questions.astype(str), return_inverse=True)[1]


Router = Callable[[Set, Codes, Codes], Floats]
"""Of a set, the rows that it learns from, and others: what both models are expected to score on those, (others, 2)."""


def sets(kept: Path | None) -> Iterator[Set]:
    """MMLU, with and without the subject on which the strong model's answers were not read, and GSM8K."""
    mmlu = pd.read_csv(DATA / "llm-mmlu-routing" / "mmlu-routing.csv.gz")
    with gzip.open(DATA / "llm-gsm8k" / "questions.jsonl.gz", "rt") as lines:
        questions = [json.loads(line)["question"] for line in lines]
    both = ["mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"]
    gsm = pd.read_csv(DATA / "llm-gsm8k" / "correct.csv.gz")
    told, of_gsm = _embedded([mmlu["prompt"].tolist(), questions], kept)
    for name, keep in (
        ("MMLU", np.ones(len(mmlu), dtype=bool)),
        ("MMLU without high_school_mathematics", (mmlu["subject"] != "high_school_mathematics").to_numpy()),
    ):
        some = mmlu[keep]
        yield Set(
            name=name,
            questions=some["prompt"].to_numpy(dtype=object),
            scores=some[both].to_numpy(dtype=np.float64),
            embedded=None if told is None else told[keep],
        )
    yield Set(
        name="GSM8K",
        questions=np.asarray(questions, dtype=object),
        scores=gsm[both].to_numpy(dtype=np.float64),
        embedded=of_gsm,
    )


def _embedded(lists: Sequence[list[str]], kept: Path | None) -> list[Floats | None]:
    """Embeddings of lists of texts, read where they are kept; none without the packages."""
    if kept and kept.exists():
        return list(np.load(kept).values())
    try:
        from all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return [None] * len(lists)
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    found = [np.asarray(model.encode(texts, batch_size=64), dtype=np.float64) for texts in lists]
    if kept:
        np.savez(kept, *found)
    return list(found)


# Routers


def by_chance(of: Set, known: Codes, others: Codes) -> Floats:  # noqa: ARG001
    return np.random.default_rng([len(known), int(others[0])]).random((len(others), 2))


def by_neighbours(of: Set, known: Codes, others: Codes, *, count: int) -> Floats:
    assert of.embedded is not None
    near = NearestNeighbors(n_neighbors=count, metric="cosine").fit(of.embedded[known])
    return of.scores[known][near.kneighbors(of.embedded[others], return_distance=False)].mean(axis=1)


def by_network(of: Set, known: Codes, others: Codes, *, layers: tuple[int, ...]) -> Floats:
    assert of.embedded is not None
    told = []
    for model in range(2):
        network = MLPRegressor(hidden_layer_sizes=layers, max_iter=200, random_state=1234, learning_rate_init=0.001)
        told.append(network.fit(of.embedded[known], of.scores[known, model]).predict(of.embedded[others]))
    return np.stack(told, axis=1)


def by_plain_ridge(of: Set, known: Codes, others: Codes) -> Floats:
    vectors = TfidfVectorizer(ngram_range=(1, 2))
    terms = vectors.fit_transform(of.questions[known])
    return np.asarray(Ridge().fit(terms, of.scores[known]).predict(vectors.transform(of.questions[others])))


def by_route(of: Set, known: Codes, others: Codes) -> Floats:
    return fit_router(of.questions[known], of.scores[known]).expected(of.questions[others])


ROUTERS: dict[str, Router] = {
    "random": by_chance,
    **{f"k-NN, {count}": partial(by_neighbours, count=count) for count in (5, 10, 40)},
    **{f"MLP, {layers}": partial(by_network, layers=layers) for layers in ((100,), (100, 100))},
    "TF-IDF and ridge": by_plain_ridge,
    "route": by_route,
}
EMBEDDED = ("k-NN", "MLP")


# Tables


def recovered(of: Set, rows: Codes, gains: Floats) -> float:
    weak, strong = of.scores[rows].T
    return gap_recovered(*curve_of_two(weak, strong, gains))


def oracle(of: Set, rows: Codes) -> float:
    """Sends nothing from where on nothing is gained."""
    weak, strong = of.scores[rows].T
    shares, scores = curve_of_two(weak, strong, strong - weak)
    gap = strong.mean() - weak.mean()
    most = (np.maximum.accumulate(scores) - weak.mean()) / gap
    return float(np.sum(np.diff(shares) * (most[1:] + most[:-1]) / 2))


def divisions(of: Set) -> Iterator[tuple[Codes, Codes]]:
    yield from GroupKFold(FOLDS, shuffle=True, random_state=0).split(of.questions, groups=of.texts)


def line(name: str, values: list[float], seconds: float | None) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    ahead = "" if error == 0 else f"{(np.mean(values) - 0.5) / error:+.1f}"
    return f"| {name} | {np.mean(values):.3f} | {error:.3f} | {ahead} | {'' if seconds is None else f'{seconds:.1f}'} |"


def choice(of: Set) -> str:
    """What it costs and scores to send questions as a contest would, on folds that nothing was learned from."""
    costs, rights, shares, alone = [], [], [], []
    for known, others in divisions(of):
        inner = list(GroupKFold(FOLDS - 1, shuffle=True, random_state=0).split(known, groups=of.texts[known]))
        expected = np.empty((len(known), 2))
        for some, rest in inner:
            expected[rest] = by_route(of, known[some], known[rest])
        scores = of.scores[known]
        found = cheapest_route(
            expected,
            COSTS,
            lambda whom, scores=scores: -float(scores[np.arange(len(whom)), whom].mean()),
            most=lambda best, scores=scores: (
                -float(scores[:, best].mean()) + float(scores[:, best].std() / np.sqrt(len(scores)))
            ),
        )
        members = np.asarray(found.asked)
        whom = members[chosen(by_route(of, known, others)[:, members], found.handicaps)]
        costs.append(np.asarray(COSTS)[whom].mean())
        rights.append(of.scores[others, whom].mean())
        shares.append((whom == 1).mean())
        alone.append(of.scores[others].mean(axis=0))
    weak, strong = np.mean(alone, axis=0)
    lost = np.asarray(rights) - np.asarray(alone)[:, 1]
    cells = (
        of.name,
        f"{weak:.3f}",
        f"{strong:.3f}",
        f"{np.mean(rights):.3f}",
        f"{np.mean(lost):+.3f} ± {lost.std(ddof=1) / np.sqrt(FOLDS):.3f}",
        f"{np.mean(shares):.0%}",
        f"{np.mean(costs) / COSTS[1]:.0%}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--embeddings", type=Path, help="where embeddings of the questions are kept")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # networks that have not settled after 200 epochs
    choices = []
    for of in sets(given.embeddings):
        weak, strong = of.scores.mean(axis=0)
        print(f"\n{of.name}: {len(of.questions):,} questions, weak {weak:.3f}, strong {strong:.3f}\n")
        print("| router | APGR | standard error | ahead of chance, in these | CPU s a fold |")
        print("|---|---:|---:|---:|---:|")
        for name, router in ROUTERS.items():
            if of.embedded is None and name.startswith(EMBEDDED):
                continue
            began = time.process_time()
            values = []
            for known, others in divisions(of):
                expected = router(of, known, others)
                values.append(recovered(of, others, expected[:, 1] - expected[:, 0]))
            print(line(name, values, (time.process_time() - began) / len(values)), flush=True)
        print(line("oracle", [oracle(of, others) for _, others in divisions(of)], None))
        choices.append(choice(of))
    print("\n| questions | weak | strong | routed | against strong | to the strong | cost of asking the strong alone |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(choices))


if __name__ == "__main__":
    main()
