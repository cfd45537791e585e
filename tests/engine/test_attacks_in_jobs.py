"""A contest of attackers and defenders on digits, from the first fit to the board, with the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.datasets import load_digits

from concours.compete.adversarial import Adversarial
from concours.compete.robustness import ATTACKS, Defender, Robustness
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.core.job import Job
from concours.engine.identity import code_digest
from concours.engine.ingest import ingest
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.prediction import Predictor
from concours.engine.runners import RUNNERS
from concours.engine.runners.attack import robustness
from concours.entrants.recipes import resolve
from concours.insights.robustness import leaving_less
from concours.kernels.ranking.ranks import holm
from concours.kernels.scoring.scores import row_means
from concours.stores.blobs import get_array, put_array
from concours.stores.memory import MemoryStore
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_valued
from concours.tasks.task import Split, Task

EPSILON = 0.1


def problem_of(kind: str, store: MemoryStore) -> Any:
    """Six hundred digits, as pictures or as a table of numbers."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:600], y[:600]
    if kind == "tabular-classification":
        frame = pd.DataFrame(x[:, 16:40]).add_prefix("pixel").assign(digit=y)
        data: dict[str, Any] = {"data": frame, "target": "digit"}
    else:
        data = {"data": x.reshape(-1, 8, 8).astype(np.uint8), "target": y}
    return ingest(Task(kind=kind, split=Split(test=0.25, folds=3), **data), store, seed=0, folder=Path()).problem


def candidates(kind: str) -> list[Candidate]:
    """A network, a model without gradients on a preparation, and the baseline."""
    entrants = (
        Entrant(name="dummy", recipe="dummy", role="baseline"),
        Entrant(name="dnn", recipe="dnn", params={"hidden": [32], "epochs": 8}),
        Entrant(name="knn", recipe="sklearn.neighbors:KNeighborsClassifier"),
    )
    found = kind_named(kind)
    resolved = [resolve(e, form=found.form, folder=Path()) for e in entrants]
    return [Candidate(entrant=one.entrant) for one in resolved]


class Game:
    """A contest that has been played."""

    def __init__(self, kind: str) -> None:
        self.store, self.journal, self.kind = MemoryStore(), MemoryJournal(), kind
        self.problem = problem_of(kind, self.store)
        self.rounds = Adversarial(problem=self.problem, epsilon=EPSILON, rounds=1, rows=80)
        self.ran: list[str] = []
        self.play()

    def play(self) -> None:
        """Plays it, or what is not in the journal."""
        self.ran = []
        engine = Engine(
            store=self.store,
            journal=self.journal,
            executor=InlineExecutor(self.store, RUNNERS),
            code=lambda job: code_digest(job, RUNNERS),
            listener=lambda notice: self.ran.append(notice.job.label) if notice.topic == "ended" else None,
        )
        state = engine.drive(self.rounds, candidates(self.kind), seed=0)
        self.defenders = {d.candidate.entrant.name: d for d in self.rounds.defenders(state)}
        found = tuple(self.defenders.values())
        self.robustness = Robustness(problem=self.problem, epsilon=EPSILON, defenders=found, rows=80)
        self.end = engine.drive(self.robustness, [d.candidate for d in found], seed=0)
        self.evaluated = self.robustness.outcome(self.end)

    def values(self) -> dict[str, Any]:
        """The board."""
        assert isinstance(self.evaluated, Done), self.evaluated
        return dict(self.evaluated.values)

    def defender(self, name: str) -> Defender:
        return self.defenders[name]


@pytest.fixture(scope="module", params=["image-classification", "tabular-classification"])
def game(request: pytest.FixtureRequest) -> Iterator[Game]:
    """A game on pictures, and one on a table; the square attack has few queries, which takes less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ATTACKS, "square", replace(ATTACKS["square"], settings=({"queries": 20, "share": 0.3},)))
        yield Game(request.param)


def test_the_board_says_what_was_seen(game: Game) -> None:
    """All attacks fell on the network, the square attack on all; intervals hold their shares; nobody was let go far."""
    values = game.values()
    names = list(game.defenders)
    assert names == ["dummy", "dnn", "dnn-hardened", "knn"]
    assert [[cell is not None for cell in row] for row in values["matrix"]] == [
        [False, False, True], [True] * 3, [True] * 3, [False, False, True],
    ]  # fmt: skip
    for row, worst, clean, curve in zip(
        values["matrix"], values["worst"], values["clean"], values["curves"], strict=True
    ):
        shares = [share for share in row if share]
        assert all(low <= share <= high for share, low, high in [*shares, worst["share"], clean, *curve])
        assert worst["share"][0] <= min(share[0] for share in shares) <= clean[0]
        middles = [share for share, _, _ in curve]
        assert middles == sorted(middles, reverse=True)
        assert middles[0] == clean[0]
    assert [line["rank"] is not None for line in values["worst"]] == [False, True, True, False]
    assert 0 < game.robustness.farthest(game.end) <= 1.5 * EPSILON + 1e-5
    assert values["rows"] == 80


def test_training_on_attacks_pays(game: Game) -> None:
    """On the rows held out and on those that judge; and the attackers' board has a first."""
    values = dict(zip(game.defenders, game.values()["worst"], strict=True))
    assert values["dnn-hardened"]["share"][0] > values["dnn"]["share"][0]
    assert game.defender("dnn-hardened").best.worst > game.defender("dnn").best.worst
    assert sorted(one["rank"][0] for one in game.values()["attackers"])[0] == 1


def test_a_baseline_cannot_be_attacked(game: Game) -> None:
    """What does not look at its inputs is named alike whatever is done to them."""
    values = game.values()
    assert values["worst"][0]["share"] == values["clean"][0]


def test_the_same_again_runs_nothing(game: Game) -> None:
    """All is in the journal; and the models in the store predict."""
    before = game.values()
    game.play()
    assert game.ran == []
    assert game.values() == before
    candidate = game.defender("dnn-hardened").candidate
    part = game.problem.test
    x = get_array(game.store, part.x) if game.kind.startswith("image") else _frame(game)
    p = Predictor(game.store, output_valued(game.problem.output), {candidate.entrant.digest: candidate}, x).predict(
        candidate
    )
    assert (p.argmax(axis=1) == get_array(game.store, part.y)).mean() > 0.7


def _frame(game: Game) -> Any:
    from concours.engine.rows import get_rows

    return get_rows(game.store, game.problem.test.x)


def test_masked_gradients_are_told() -> None:
    """Where the attack without gradients certainly leaves less than those with; not where it leaves a little less."""
    store, rng = MemoryStore(), np.random.default_rng(0)
    followed = rng.random(200) < 0.9
    blind, close = followed & (rng.random(200) < 0.5), followed.copy()
    close[np.flatnonzero(followed)[:2]] = False
    helds = [np.stack([np.stack([np.ones(200), row]) for row in (followed, other)]) for other in (blind, close)]
    job = Job(
        runner="robustness",
        inputs={f"robust{i}": put_array(store, held.astype(np.uint8)) for i, held in enumerate(helds)},
        params={"attacks": [[0, 1], [0, 1]], "names": ["pgd", "square"], "white": [0], "at": 1, "rows": 200},
    )
    assert robustness(job, store).values["masked"] == [True, False]


def contended(store: MemoryStore, helds: list[Any]) -> list[bool]:
    """Who is told to be masked; of each defender two attacks that follow gradients, then those that do not."""
    unchanged = [np.stack([np.stack([np.ones_like(row), row]) for row in held]).astype(np.uint8) for held in helds]
    numbers = list(range(len(helds[0])))
    job = Job(
        runner="robustness",
        inputs={f"robust{i}": put_array(store, held) for i, held in enumerate(unchanged)},
        params={"attacks": [numbers] * len(helds), "names": [str(i) for i in numbers], "white": [0, 1], "at": 1},
    )
    found: list[bool] = robustness(job, store).values["masked"]
    return found


@pytest.mark.parametrize("seed", range(8))
def test_masked_gradients_are_tested_together(seed: int) -> None:
    """Of five defenders and two blind attacks on each: ten tests by McNemar's rows, from the surest on (Holm 1979)."""
    rng, chances = np.random.default_rng(seed), []
    helds = [rng.random((4, 150)) < np.array([0.9, 0.9, left, left])[:, None] for left in rng.uniform(0.6, 0.85, 5)]
    for held in helds:
        followed = held[:2].all(axis=0)
        for blind in held[2:]:
            apart = blind.astype(float) - followed
            degrees = row_means(np.stack([blind, followed], axis=1).astype(float)).tested.degrees[0, 1]
            chances.append(2 * t.sf(-apart.mean() / (apart.std(ddof=1) / 150**0.5), degrees) if apart.mean() < 0 else 1)
    expected, order = np.zeros(10, dtype=bool), np.argsort(chances, kind="stable")
    for done, place in enumerate(order):
        if chances[place] > 0.05 / (10 - done):
            break
        expected[place] = True
    assert contended(MemoryStore(), helds) == expected.reshape(5, 2).any(axis=1).tolist()


def test_nobody_is_masked_by_chance() -> None:
    """Blind attacks that leave as much as those with gradients: somebody is called masked in 5% of boards at most."""
    wrong = 0
    for seed in range(200):
        held = np.random.default_rng(seed).random((8, 3, 80)) < 0.8
        white = np.zeros(3, dtype=bool)
        white[0] = True
        less = [leaving_less(each.astype(float), white, None) for each in held]
        wrong += bool(holm(np.concatenate(less), 0.05).any())
    assert wrong <= 0.05 * 200


def test_groups_widen_intervals() -> None:
    """Rows of one group are one observation."""
    store = MemoryStore()
    held = np.repeat(np.random.default_rng(0).random(20) < 0.5, 10)
    whole = np.stack([np.ones(200), held])[None].astype(np.uint8)
    params = {"attacks": [[0]], "names": ["pgd"], "white": [0], "at": 1, "rows": 200, "pick": 0, "fold": 0}
    inputs = {"robust0": put_array(store, whole)}
    groups = {"groups": put_array(store, np.repeat(np.arange(20), 10))}
    alone, together = (
        robustness(Job(runner="robustness", inputs={**inputs, **more}, params=params), store).values["worst"][0][
            "share"
        ]
        for more in ({}, groups)
    )
    assert together[2] - together[1] > 2 * (alone[2] - alone[1])
