"""Formats in a real contest: rungs, checkpoints, duels, and what they leave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.errors import ContestError
from concours.core.event import Done
from concours.engine.journal import read_journal
from concours.kernels.scoring.explaining import nested_order
from concours.report.markdown import render_markdown

TREE = "sklearn.tree:DecisionTreeClassifier"
ENTRANTS = (
    Entrant("net", "dnn", {"hidden": [8], "epochs": 4}),
    Entrant("logistic", "logistic"),
    Entrant("tree", TREE),
    Entrant("stump", TREE, {"max_depth": 1}),
    Entrant("odd", "sklearn.naive_bayes:GaussianNB", {"priors": [0.0005, 0.9995]}),
)


def contest(out: Path, *, entrants=ENTRANTS, **how) -> Contest:
    task = Task(kind="tabular-classification", data="sklearn:breast_cancer", split=Split(test=0.3, folds=3))
    return Contest(task=task, entrants=list(entrants), lineup="none", cooperate=[], engine="inline", out=out, **how)


@pytest.fixture(scope="module")
def halved(tmp_path_factory) -> Result:
    """A contest by halving, on two rungs."""
    out = tmp_path_factory.mktemp("halved") / "run"
    return contest(out, format="halving", options={"eta": 2, "finalists": 2, "rungs": 2}).run()


def test_who_is_left_stands_on_the_board(halved):
    """Those that were dropped are unranked, with the reason; the baseline never plays; all is read back."""
    lines = {line.entrant.name: line for line in halved.standings}
    through = halved.format["through"]
    assert {name for name, line in lines.items() if line.rank} == {*through, "dummy"}
    assert len(through) == 2
    dropped = [line for line in lines.values() if line.status == "dropped"]
    assert len(dropped) == 3
    assert all("of the rows" in line.reason for line in dropped)
    again = Result.load(halved.folder.path)
    assert again.to_json() == halved.to_json()
    assert again.digest == halved.digest
    assert "dummy" not in json.dumps(halved.format)


def test_networks_go_on_and_others_begin_anew(halved):
    """Only a network that was on a rung before begins from its weights; predictions stay in the store, values are small."""
    records, _ = read_journal(halved.folder.journal)
    rungs = [r.event for r in records if isinstance(r.event, Done) and "went_on" in r.event.values]
    first = {line["name"]: line["stays"] for line in halved.format["rungs"][0]["lines"]}
    assert sum(event.values["went_on"] for event in rungs) == halved.format["telling"] * first["net"]
    assert all(event.outputs["predictions"] in halved.folder.store for event in rungs)
    assert all(len(json.dumps(dict(event.values))) < 200 for event in rungs)


def test_a_rung_is_shown(halved):
    """In the report there are the sentences and the bracket."""
    text = render_markdown(halved.to_json(), {})
    assert "The knockout before the board" in text
    assert "5 entrants met on 2 rungs" in text
    assert "certainly worse" in text or "no more room" in text


def test_a_smaller_share_is_in_a_bigger_one():
    """Of rows in one order; so what a network has learned on a rung is among what it learns on the next."""
    order = nested_order(np.arange(90) % 3, 90, np.random.default_rng(0))
    assert set(order[:10]) < set(order[:30]) < set(order)


def test_weights_that_do_not_suit_are_left():
    """With other columns a network begins anew; with the same it begins where it was, and has fewer epochs."""
    from concours.entrants.checkpoints import dump_checkpoint, load_checkpoint
    from concours.entrants.neural import DenseClassifier

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.integers(2, size=60)
    first = DenseClassifier(hidden=[4], epochs=8, random_state=0).fit(x, y)
    begin = load_checkpoint(dump_checkpoint(first)).begin(0.25)
    on = begin(DenseClassifier(hidden=[4], epochs=8, random_state=0)).fit(x, y)
    anew = begin(DenseClassifier(hidden=[4], epochs=8, random_state=0)).fit(x[:, :3], y)
    assert (on.went_on_, anew.went_on_, first.went_on_) == (True, False, False)
    assert len(on.history_.train_loss) <= 6 < len(first.history_.train_loss) + 1
    assert load_checkpoint({"none.json": b"null"}) is None


@pytest.mark.parametrize(("format", "options"), [("arena", {"battles": 900}), ("tournament", {"system": "double"})])
def test_duels_stand_beside_the_board(tmp_path, format, options):
    """All that are complete meet; the board is as without, and the same rows say the same again."""
    entrants = ENTRANTS[1:4]
    result = contest(tmp_path / "run", entrants=entrants, format=format, options=options).run()
    names = {line["name"] for line in result.format["ratings" if format == "arena" else "ranking"]}
    assert names == {"logistic", "tree", "stump", "dummy"}
    plain = contest(tmp_path / "plain", entrants=entrants).run()
    assert [line.score for line in plain.standings] == [line.score for line in result.standings]
    assert "beside the board" in render_markdown(result.to_json(), {})
    assert Result.load(tmp_path / "run").format == result.format


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"format": "halfing"}, ["compete.format: 'halfing' is not known", "did you mean 'halving'"]),
        ({"options": {"eta": 3}}, ["compete.options: the format 'leaderboard' takes none; remove eta"]),
        ({"format": "halving", "options": {"etta": 3}}, ["compete.options.etta: unknown key", "did you mean 'eta'"]),
        (
            {"format": "asha", "options": {"eta": 1}},
            ["compete.options.eta must be a whole number from 2 to 1,000,000, got 1"],
        ),
        ({"format": "tournament", "options": {"system": "cup"}}, ["compete.options.system must be one of", "'cup'"]),
        (
            {"format": "arena", "options": {"level": 95}},
            ["compete.options.level must be a number above 0.5 and below 1"],
        ),
    ],
)
def test_what_does_not_suit_is_refused(tmp_path, how, words):
    """Before anything is read, in one line that names key, value and what is nearest."""
    with pytest.raises(ContestError) as refused:
        contest(tmp_path / "run", **how).run()
    assert all(word in str(refused.value) for word in words)
    assert "\n" not in str(refused.value)
