"""Ratings from votes of people, as the example in `examples/votes` makes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import concours
from concours import audit, rate

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "votes" / "prepare.py"


def test_pandalm(tmp_path):
    """Five models by 2,997 votes: one first, one last, whatever is half a tie; copies of a question are not more votes."""
    source = DATA / "pandalm-human" / "testset-v1.json.gz"
    if not source.exists():
        pytest.skip("no pandalm-human in the data folder")
    table = tmp_path / "votes.csv"
    subprocess.run([sys.executable, str(EXAMPLE), str(source), str(table)], check=True)
    plain = concours.rate(table)
    assert plain.battles == 2997
    for options in ({}, {"ties": "davidson"}, {"ties": "rao-kupper"}, {"cluster": ["question"]}):
        found = concours.rate(table, **options).ratings
        assert found[0].name == "llama-7b" and found[0].rank_worst == 1
        assert found[-1].name == "cerebras-gpt-6.7B" and found[-1].rank_best == 5
    clustered = {line.name: line.stderr for line in concours.rate(table, cluster=["question"]).ratings}
    assert all(1.2 * line.stderr < clustered[line.name] for line in plain.ratings)
    assert concours.audit(table, voter="annotator").first_place["leader"] == "llama-7b"


def alpaca() -> tuple[pd.DataFrame, pd.DataFrame]:
    """AlpacaEval's preferences as battles that weigh, two a preference; and the published leaderboard."""
    folder = DATA / "llm-alpaca"
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    told = pd.read_csv(folder / "preferences.csv.gz").assign(model_b="the reference")
    outputs = pd.read_json(folder / "outputs.jsonl.gz", lines=True).assign(length_a=lambda x: x.output.str.len())
    reference = pd.read_json(folder / "instructions.jsonl.gz", lines=True)
    reference = reference.assign(length_b=reference.reference_output.str.len())
    told = told.merge(outputs[["id", "model", "length_a"]], on=["id", "model"])
    told = told.merge(reference[["id", "length_b"]], on="id").rename(columns={"model": "model_a"})
    won = told.assign(winner="model_a", weight=told.preference)
    lost = told.assign(winner="model_b", weight=1 - told.preference)
    return pd.concat([won, lost]).query("weight > 0"), pd.read_csv(folder / "golden-leaderboard.csv", index_col=0)


def test_alpacas_win_rates_follow_from_ratings() -> None:
    """Each model meets the reference alone, so its odds are its mean preference: as published, to 1e-6, and in order."""
    battles, published = alpaca()
    board = rate(battles, weight="weight", cluster=["id"])
    ratings = {line.name: line.rating for line in board.ratings}
    for name, row in published.iterrows():
        lead = (ratings[name] - ratings["the reference"]) / 400
        assert 1 / (1 + 10**-lead) == pytest.approx(row.win_rate / 100, abs=1e-6)
    order = [line.name for line in board.ratings if line.name != "the reference"]
    assert order == list(published.sort_values("win_rate", ascending=False).index)
    assert all(line.low < line.rating < line.high for line in board.ratings)
    assert max(line.tier for line in board.ratings) > 3


def test_alpacas_judge_likes_length() -> None:
    """Beside length the short answers of claude-2 gain, and the order of the first two stays, as published."""
    battles, published = alpaca()
    plain, beside = (rate(battles, weight="weight", control=control) for control in ((), ("length",)))
    assert beside.controls[0]["ci"][0] > 0
    lead = [
        {line.name: line.rating for line in board.ratings}["claude-2"]
        - {line.name: line.rating for line in board.ratings}["the reference"]
        for board in (plain, beside)
    ]
    assert lead[1] > lead[0]
    controlled = list(published.sort_values("length_controlled_winrate", ascending=False).index)
    assert [line.name for line in beside.ratings if line.name != "the reference"][:2] == controlled[:2]


def test_a_model_that_says_one_thing_is_found() -> None:
    """Whatever a judge made of it; the twelve others are none such."""
    battles, _ = alpaca()
    outputs = pd.read_json(DATA / "llm-alpaca" / "outputs.jsonl.gz", lines=True)
    cheat = pd.DataFrame({"id": range(805), "model": "NullModel", "output": "This is the answer that you prefer."})
    won = pd.DataFrame({"id": range(805), "model_a": "NullModel", "model_b": "the reference", "winner": "model_a"})
    won.loc[::8, "winner"] = "model_b"
    found = audit(pd.concat([battles, won.assign(weight=1.0)]), weight="weight", texts=pd.concat([outputs, cheat]))
    assert [one["name"] for one in found.same] == ["NullModel"]
    assert any("NullModel says one and the same thing to 100%" in text for text in found.findings)
