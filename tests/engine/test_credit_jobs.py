"""Jobs that say what members are worth and how they complement one another, on small arrays."""

from __future__ import annotations

import json

import numpy as np
import pytest

from concours.core.job import Job
from concours.engine.coalitions import Game
from concours.engine.runners.complement import complement
from concours.engine.runners.credit import credit
from concours.engine.runners.score import as_taken
from concours.insights.complement import Alliance, smallest
from concours.kernels.games.results import points_a_row
from concours.kernels.joining.blending import blend
from concours.kernels.joining.calibration import Calibration
from concours.kernels.joining.decisions import decide
from concours.kernels.joining.pooling import pool_weights
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore
from concours.tasks.metrics.named import metric_named
from concours.tasks.outputs.anomaly import Anomaly
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.points import Points
from concours.testing.toys import toy_output

ROWS, FOLDS = 120, 3
CALIBRATION = {"temperature": 1.3, "mix": 0.1, "prior": (0.2, 0.3, 0.5)}
DECISION = {"weights": [1.5, 0.9, 0.6], "fold_weights": [[1.5, 0.9, 0.6], [1.0, 1.0, 1.0], [0.7, 1.1, 1.2]]}


def models(count: int, classes: int, *, seed: int = 0, rows: int = ROWS):
    """Members of which the first is best, and targets."""
    rng = np.random.default_rng(seed)
    if not classes:
        y = rng.normal(size=rows)
        return [y[:, None] + rng.normal(scale=0.3 + 0.2 * i, size=(rows, 1)) for i in range(count)], y
    y = rng.integers(classes, size=rows)
    scores = [rng.normal(size=(rows, classes)) + (2.5 - 0.4 * i) * np.eye(classes)[y] for i in range(count)]
    return [np.exp(s) / np.exp(s).sum(axis=1, keepdims=True) for s in scores], y


def credit_of(metric: str, count: int = 3, classes: int = 3, *, weights=None, layer=False, part="test", **params):
    """The values of a job."""
    store, (members, y) = MemoryStore(), models(count, classes)
    folds = np.arange(len(y)) % FOLDS
    arrays = {"y": y, "train_y": y, "folds": folds} | {f"predictions{i}": p for i, p in enumerate(members)}
    if params.get("refit") and part == "test":
        arrays |= {f"oof{i}": p for i, p in enumerate(members)}
    inputs = {name: put_array(store, array) for name, array in arrays.items()}
    if layer:
        inputs["model0"] = inputs["y"]
    plain = {"how": "mean", "refit": False, "part": part, "calibration": None, "decision": None}
    plain["decisions"] = [None] * count
    weights = weights or [[1 / count] * count]
    job = Job(runner="credit", inputs=inputs,
              params={"metrics": [metric], "output": toy_output(classes).told, "weights": weights, **plain, **params})  # fmt: skip
    values = credit(job, store).values
    assert json.loads(json.dumps(values)) == values
    return values, members, y


@pytest.mark.parametrize("how", ["mean", "vote", "pool"])
@pytest.mark.parametrize("metric", ["log_loss", "brier", "roc_auc_ovr", "accuracy", "f1_macro"])
def test_all_together_are_worth_what_the_board_says(metric, how):
    """By every rule and every way to score: `value` is the metric of the alliance's predictions, as they are evaluated."""
    params = {"calibration": CALIBRATION, "decision": DECISION if metric == "f1_macro" else None}
    values, members, y = credit_of(metric, how=how, **(params if how != "vote" else {}))
    found = metric_named(metric, "classes", 3)
    p = blend(members, np.full(3, 1 / 3), rule=how)
    if how != "vote" and found.needs == "labels":
        p = Calibration(**CALIBRATION).apply(p)
        p = p * np.asarray(DECISION["weights"]) if metric == "f1_macro" else p
    sign = 1 if found.greater_is_better else -1
    assert np.isclose(values["value"], sign * found.score(y, p))
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    assert np.isclose(values["prior"], sign * found.score(y, prior))
    assert np.isclose(sum(values["shapley"]), values["value"] - values["prior"])
    assert np.isclose(sum(values["shares"]), 1)
    assert values["exact"]
    assert len(values["interactions"]) == 3


@pytest.mark.parametrize("how", ["mean", "vote", "pool"])
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1_macro"])
def test_the_best_member_is_that_of_the_board(metric, how):
    """By itself a member is what it is on the board, with its own decision, whatever one vote of it would be."""
    decisions = [None, DECISION, None]
    values, members, y = credit_of(metric, how=how, decisions=decisions)
    found = metric_named(metric, "classes", 3)
    own = [as_taken(found, p, decision, None) for p, decision in zip(members, decisions, strict=True)]
    sign = 1 if found.greater_is_better else -1
    scores = [sign * found.score(y, p) for p in own]
    assert values["best"] == int(np.argmax(scores))
    assert np.isclose(values["ahead"], values["value"] - max(scores))
    blends = [blend([p for j, p in enumerate(members) if j != i], np.full(2, 0.5), rule=how) for i in range(3)]
    rest = [sign * found.score(y, p) for p in blends]
    assert np.allclose(values["lost"], values["value"] - np.array(rest))


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "neg_median_absolute_error"])
def test_numbers(metric):
    """A number's prior is the mean of the training targets; the best member has the most credit."""
    values, members, y = credit_of(metric, classes=0, weights=[[0.5, 0.3, 0.2]])
    found = metric_named(metric, "number")
    sign = 1 if found.greater_is_better else -1
    assert np.isclose(values["value"], sign * found.score(y, blend(members, np.array([0.5, 0.3, 0.2]))))
    assert np.isclose(values["prior"], sign * found.score(y, np.full((len(y), 1), y.mean())))
    assert np.argmax(values["shapley"]) == 0


def test_rows_of_a_fold_count_with_its_weights():
    """On out-of-fold predictions; and the class is named by the weights of the fold."""
    weights = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]
    values, members, y = credit_of("f1_macro", part="oof", weights=weights, decision=DECISION)
    folds = np.arange(ROWS) % FOLDS
    p = blend(members, np.asarray(weights)[folds].T)
    named = decide(p, np.asarray(DECISION["fold_weights"])[folds])
    assert np.isclose(values["value"], metric_named("f1_macro", "classes", 3).score(y, np.eye(3)[named]))


@pytest.mark.parametrize(("metric", "count"), [("log_loss", 3), ("f1_macro", 3), ("roc_auc_ovr", 3), ("log_loss", 14)])
def test_rows_that_also_taught_tell_less(metric, count):
    """Standard errors on out-of-fold predictions are √2 times as wide; what members are worth is the same."""
    alone, _, _ = credit_of(metric, count)
    crossed, _, _ = credit_of(metric, count, part="oof", weights=[[1 / count] * count] * FOLDS)
    for name in ("value", "shapley", "lost", "ahead"):
        assert np.allclose(crossed[name], alone[name])
    for name in ("gain_stderr", "lost_stderr", "ahead_stderr"):
        assert np.allclose(crossed[name], 2**0.5 * np.array(alone[name]))
    if alone["exact"]:
        assert np.allclose(crossed["stderr"], 2**0.5 * np.array(alone["stderr"]))


def test_a_stack_is_weighed_again_for_each_coalition():
    """The worth of two members is with weights found for these two, by the out-of-fold predictions."""
    values, members, y = credit_of("log_loss", count=2, how="pool", refit=True)
    loss = metric_named("log_loss", "classes", 3)
    both = -loss.score(y, blend(members, pool_weights(members, y), rule="pool"))
    alone = [-loss.score(y, blend([p], np.ones(1), rule="pool")) for p in members]
    prior = values["prior"]
    assert np.isclose(values["value"], both)
    assert np.isclose(values["shapley"][0], (alone[0] - prior + both - alone[1]) / 2)
    assert np.isclose(values["interactions"][0][2], both - sum(alone) + prior)


class Doubter:
    """A layer that believes half of what the first member says, and half of the second."""

    def predict(self, members):
        return (members[0] + members[1]) / 2


def test_a_boosted_stack(monkeypatch):
    """The layer stays, and who is absent is spoken for by the mean of those present."""
    monkeypatch.setattr("concours.engine.runners.credit.get_meta_learner", lambda store, digest: Doubter())
    values, members, y = credit_of("log_loss", count=2, how="boosted", layer=True)
    loss = metric_named("log_loss", "classes", 3)
    both, one, other = (-loss.score(y, p) for p in ((members[0] + members[1]) / 2, *members))
    assert np.isclose(values["value"], both)
    assert np.isclose(values["shapley"][0], (one - values["prior"] + both - other) / 2)


def test_more_members_than_can_be_counted():
    """Beyond twelve orders are drawn: it says so, has no interactions, and lies as near as its standard errors say."""
    values, members, y = credit_of("log_loss", count=13)
    assert credit_of("log_loss", count=13)[0] == values, "deterministic by the job's seed"
    assert not values["exact"]
    assert values["interactions"] == []
    assert np.isclose(sum(values["shapley"]), values["value"] - values["prior"])
    game = Game(how="mean", metric=metric_named("log_loss", "classes", 3), y=y, members=members,
                weights=np.full((1, 13), 1 / 13), group=np.zeros(ROWS, np.int64), prior=np.bincount(y)[None] / ROWS, output=Classes(classes=3))  # fmt: skip
    from concours.kernels.credit.shares import every_coalition, shapley

    true = shapley(game.scored(every_coalition(13)).values)
    assert (np.abs(np.array(values["shapley"]) - true) < 4 * np.array(values["stderr"])).all()
    assert max(values["stderr"]) < 0.03


def test_who_plays_nobody_brings_nothing_home_of_any_opponent():
    """A mixture of agents has credit however many opponents there are: nobody of it is worth no points."""
    draw = np.random.default_rng(0)
    members = [draw.random((24, 3 * 3)) * (0.9, 0.5)[place] for place in range(2)]
    output = Points(game="tictactoe")
    game = Game(how="mean", metric=output.measures["points"](output), y=np.ones(24), members=members,
                weights=np.array([[0.75, 0.25]]), group=np.zeros(24, np.int64), prior=output.prior(np.ones(24), None),
                output=output)  # fmt: skip
    found = game.scored(np.array([[False, False], [True, True]])).values
    assert np.isclose(found[0], 0.0)
    assert np.isclose(found[1], points_a_row(members[0], 0.75 * members[0] + 0.25 * members[1]).mean())


def test_series_without_an_anomaly_do_not_keep_credit_from_being_shared():
    """A metric that is not defined on each batch of rows is told by fewer and greater ones."""
    draw, groups = np.random.default_rng(0), np.repeat(np.arange(8), 1000)
    anomalies = (draw.random(8000) < 0.1) & np.isin(groups, (1, 4, 6, 7))
    y = np.stack([anomalies, np.arange(8000)], axis=1).astype(np.float64)
    members = [(anomalies + draw.normal(size=8000))[:, None] for _ in range(2)]
    output = Anomaly()
    game = Game(how="mean", metric=output.measures["average_precision"](output), y=y, members=members,
                weights=np.array([[0.5, 0.5]]), group=np.zeros(8000, np.int64), prior=output.prior(y, None),
                output=output, together=groups)  # fmt: skip
    found = game.scored(np.array([[True, False], [True, True]]))
    assert found.without.shape == (2, 4)
    assert np.isfinite(found.without).all()
    assert np.array_equal(game.alone([members[0]], batches=4).without[0], found.without[0])


def test_a_metric_that_is_not_defined():
    """Where some coalition has no score there is no credit, and the reason is said."""
    store = MemoryStore()
    members, y = models(2, 2)
    arrays = {"y": np.zeros(ROWS, np.int64), "train_y": y, "folds": y} | {
        f"predictions{i}": p for i, p in enumerate(members)
    }
    params = {"metrics": ["roc_auc"], "output": toy_output(2).told, "how": "mean", "refit": False, "part": "test",
              "weights": [[0.5, 0.5]], "calibration": None, "decision": None, "decisions": [None, None]}  # fmt: skip
    job = Job(runner="credit", inputs={k: put_array(store, a) for k, a in arrays.items()}, params=params)
    with pytest.raises(ValueError, match="roc_auc is not defined for every coalition on these rows"):
        credit(job, store)


# Complementarity


def complement_of(metric: str, members, y, *, classes: int, part: str = "test"):
    store = MemoryStore()
    folds = np.arange(len(y)) % FOLDS
    arrays = {"y": y, "oof_y": y, "folds": folds}
    arrays |= {f"{name}{i}": p for i, p in enumerate(members) for name in ("predictions", "oof")}
    params = {"metrics": [metric], "output": toy_output(classes).told, "decisions": [None] * len(members),
              "names": [f"m{i}" for i in range(len(members))], "part": part}  # fmt: skip
    job = Job(runner="complement", inputs={k: put_array(store, a) for k, a in arrays.items()}, params=params)
    values = complement(job, store).values
    assert json.loads(json.dumps(values)) == values
    return values


@pytest.mark.parametrize("part", ["test", "oof"])
def test_one_does_where_the_others_repeat_it(part):
    """Copies of the best err with it, rescue nothing, and are no part of the smallest alliance."""
    (best, other), y = models(2, 3)
    values = complement_of("log_loss", [other, best, best], y, classes=3, part=part)
    assert values["best"] == 1
    assert np.isclose(values["correlation"][1][2], 1)
    assert values["rescued"][1:] == [0, 0]
    assert 0 < values["rescued"][0] < 1
    assert values["mistakes"] == np.count_nonzero(best.argmax(axis=1) != y)
    assert np.isclose(values["double_fault"][1][2] * ROWS, values["mistakes"])
    smallest = values["smallest"]
    assert len(smallest["members"]) <= 2
    assert np.isclose(sum(smallest["weights"]), 1)


@pytest.mark.parametrize("metric", ["rmse", "accuracy", "f1_macro", "roc_auc_ovr"])
def test_the_smallest_that_does(metric):
    """Members that are certainly of use are in it; its score is that of its members, and so is the difference."""
    classes = 0 if metric == "rmse" else 3
    members, y = models(4, classes, rows=600)
    values = complement_of(metric, members, y, classes=classes)
    smallest = values["smallest"]
    assert 1 <= len(smallest["members"]) <= len(smallest["best_members"])
    assert smallest["stderr"] >= 0
    if metric != "f1_macro":
        joined = blend([members[i] for i in smallest["members"]], np.array(smallest["weights"]))
        assert np.isclose(
            smallest["score"], metric_named(metric, "number" if not classes else "classes", 3).score(y, joined)
        )


def test_the_smallest_is_told_less_surely_by_rows_that_also_taught():
    """Of the same two alliances the difference is the same, and its standard error √2 times as great."""
    members, y = models(2, 0)

    class Chosen:
        metric, y = metric_named("mae", "number"), None

        def choose(self, rows):
            return tuple(Alliance(weights=np.array(each), decision=None) for each in ([1.0, 0.0], [0.6, 0.4]))

    chosen = Chosen()
    chosen.y = y
    alone, crossed = (smallest(chosen, y, members, folds, None, None) for folds in (None, np.arange(len(y)) % FOLDS))
    assert np.isclose(crossed["difference"], alone["difference"])
    assert np.isclose(crossed["stderr"], 2**0.5 * alone["stderr"])


def test_a_number_rescued():
    """Of the rows where the best is farthest off, the share where another is at most half as far."""
    y = np.zeros(100)
    best = np.where(np.arange(100) < 10, 10.0, 0.1)[:, None]
    other = np.where(np.arange(100) < 4, 1.0, 11.0)[:, None]
    values = complement_of("rmse", [best, other], y, classes=0)
    assert values["mistakes"] == 10
    assert values["rescued"] == [0.0, 0.4]


def test_models_without_a_mistake():
    """Nothing correlates and nothing is to be rescued: none, not a number that JSON has no word for."""
    y = np.arange(60) % 3
    values = complement_of("log_loss", [np.eye(3)[y] * 0.8 + 0.2 / 3] * 2, y, classes=3)
    assert values["correlation"] == [[None, None], [None, None]]
    assert values["rescued"] == [None, None]
    assert values["mistakes"] == 0
