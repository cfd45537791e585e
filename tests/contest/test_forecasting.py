"""A whole contest of forecasts from the command line: found, held, joined, credited, reported, predicted, verified."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import concours as product
from concours import Result
from concours.core.errors import DataError
from concours.stores.blobs import get_array
from concours.testing.kinds import check_kind

CONTEST = """
[task]
kind = "forecasting"
data = "visits.csv"
target = "visits"
split = { test = 0.25, folds = 3, time = "day" }
options = { horizon = 3, context = 14 }

[compete]
lineup = "none"

[cooperate]
strategies = ["average", "greedy"]

[[entrant]]
recipe = "ridge"

[[entrant]]
name = "points"
recipe = "sklearn.linear_model:Ridge"
"""
STEPS = 150


def visits(steps: int = STEPS) -> pd.DataFrame:
    """A weekly wave, and rain that leads it by a day."""
    rng = np.random.default_rng(0)
    wave = 20 + 5 * np.sin(2 * np.pi * np.arange(steps + 1) / 7) + rng.normal(size=steps + 1)
    days = pd.date_range("2026-01-01", periods=steps).strftime("%Y-%m-%d")
    return pd.DataFrame({"day": days, "rain": wave[1:] + rng.normal(scale=0.3, size=steps), "visits": wave[:-1]})


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with a finished contest."""
    folder = tmp_path_factory.mktemp("forecasting")
    visits().to_csv(folder / "visits.csv", index=False)
    (folder / "contest.toml").write_text(CONTEST)
    product.Contest.from_file(folder / "contest.toml").with_options(engine="inline", out=folder / "run").run()
    return folder


@pytest.fixture(autouse=True)
def here(home, monkeypatch):
    """Commands are typed where the contest lies."""
    monkeypatch.chdir(home)


def test_the_kind_keeps_its_laws():
    """The suite for kinds, on invented data."""
    check_kind("forecasting")


def test_the_board_has_scores_intervals_and_the_baseline(home):
    """A linear model that sees the rain beats the week before; points alone lose by quantiles, and cover nothing."""
    result = Result.load(home / "run")
    lines = {line.entrant.name: line for line in result.standings}
    assert set(lines) == {"seasonal-naive", "ridge", "points", "average", "greedy"}
    assert {line.status for line in lines.values()} == {"ok"}
    assert lines["ridge"].metrics["mase"] < 0.8 * lines["seasonal-naive"].metrics["mase"]
    assert all(line.ci[0] < line.metrics["mase"] < line.ci[1] for line in lines.values())
    assert set(lines["ridge"].metrics) == {"mase", "wql", "smape", "coverage"}
    assert lines["ridge"].metrics["wql"] < lines["points"].metrics["wql"]
    assert lines["points"].metrics["coverage"] == 0
    assert any("blocks of time as observations" in warning for warning in result.setup.warnings)


def test_credit_is_shared_among_members(home):
    """Parts add up to what the alliance is better by than who knows only how the steps of the series are spread."""
    credit = json.loads((home / "run/result.json").read_text())["credit"]["average"]
    assert set(credit["members"]) == {"ridge", "points"}
    parts = sum(member["shapley"] for member in credit["members"].values())
    assert parts == pytest.approx(credit["value"] - credit["prior"])
    assert parts > 5 * credit["gain_stderr"]


def test_what_comes_next_is_predicted(concours, home):
    """From the end of a file: a line a step, with its time, a median and quantiles, in Python as in the file."""
    latest = visits(170)[-20:]
    latest.to_csv("latest.csv", index=False)
    code, _, err = concours("predict run latest.csv -o next.csv --with ridge")
    assert code == 0, err
    written = pd.read_csv("next.csv")
    assert list(written) == ["day", "prediction", *(f"q0.{level}" for level in range(1, 10))]
    assert written["day"].tolist() == visits(173)["day"][170:].astype(str).str[:10].tolist()
    told = product.predict(Result.load("run"), latest, model="ridge")
    assert told.shape == (1, 3, 9)
    assert written["prediction"].tolist() == pytest.approx(told[0, :, 4].tolist())
    assert written["q0.9"].tolist() == pytest.approx(told[0, :, 8].tolist())
    coming = visits(173)["visits"][170:].to_numpy()
    assert np.abs(told[0, :, 4] - coming).max() < 5
    with pytest.raises(DataError, match="probabilities were asked for, but this task predicts 3 steps of a series"):
        product.predict(Result.load("run"), latest, proba=True)
    code, _, err = concours("predict run latest.csv -o next.csv --proba")
    assert (code, err.count("\n")) == (2, 1)


def test_a_decimal_comma_of_the_fit_is_one_of_new_rows(concours, tmp_path, monkeypatch):
    """A few cells like 3,125 alone would be thousands: the run folder keeps what they were."""
    monkeypatch.chdir(tmp_path)
    cells = [f"{3 + step % 7 / 8:.{3 if step > 99 else 4}f}".replace(".", ",") for step in range(STEPS)]
    text = ["day;visits", *(f"{day};{cell}" for day, cell in zip(visits()["day"], cells, strict=True))]
    Path("visits.csv").write_text("\n".join(text))
    Path("latest.csv").write_text("\n".join([text[0], *text[-20:]]))
    Path("contest.toml").write_text(CONTEST.partition("[cooperate]")[0])
    product.Contest.from_file(Path("contest.toml")).with_options(engine="inline", out="run").run()
    code, _, err = concours("predict run latest.csv -o next.csv")
    assert code == 0, err
    assert pd.read_csv("next.csv")["prediction"].tolist() == pytest.approx(
        [3 + step % 7 / 8 for step in range(150, 153)]
    )


def test_too_short_a_file_is_told(concours):
    """How many steps a forecast takes."""
    visits()[:10].to_csv("short.csv", index=False)
    code, _, err = concours("predict run short.csv -o next.csv")
    assert code == 2
    assert err == "concours: short.csv: 10 steps are too few: a forecast takes the latest 14\n"


def test_a_file_of_forecasts_is_scored_as_the_board_says(concours, home):
    """Predictions of the test part, by the ids of its origins."""
    result = Result.load("run")
    problem = result.setup.problem
    p = get_array(result.folder.store, result.candidates["ridge"].test).reshape(-1, 3, 9)
    ids = get_array(result.folder.store, problem.test.ids)
    columns = {f"q0.{level + 1}": [json.dumps(row) for row in p[:, :, level].tolist()] for level in range(9)}
    frame = pd.DataFrame({"id": ids, "prediction": columns["q0.5"], **columns})
    frame.sample(frac=1, random_state=0).to_csv("theirs.csv", index=False)
    code, out, err = concours("score contest.toml theirs.csv --json")
    assert code == 0, err
    scores = {name: found["score"] for name, found in json.loads(out)["metrics"].items()}
    line = next(line for line in result.standings if line.entrant.name == "ridge")
    assert scores == pytest.approx(dict(line.metrics))


def test_the_report_and_the_receipt_hold(concours, home):
    """The report tells of steps of a series, and of no classes; every job is what it was."""
    code, out, err = concours("report run")
    assert code == 0, err
    text = Path("run/report.html").read_text()
    assert "forecasting" in text
    assert "a step a day by" in text
    assert "classes" not in text
    code, out, err = concours("verify run")
    assert code == 0, err + out
    assert "HOLDS" in out


def test_new_contests_of_series(concours, home):
    """By name of the kind; a table that may also be a series says so."""
    code, out, err = concours("new visits.csv --kind forecasting -o found.toml")
    assert code == 0, err
    text = Path("found.toml").read_text()
    assert 'target = "visits"' in text
    assert "horizon = 7" in text
    product.Contest.from_file(home / "found.toml")
    code, out, err = concours("new visits.csv --target visits -o table.toml")
    assert "concours new visits.csv --kind forecasting" in " ".join(out.split())
