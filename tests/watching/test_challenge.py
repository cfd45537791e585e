"""`concours challenge`: a contest on what was fed back, in which what served competes by what it answered."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from concours import Contest, Entrant
from concours.engine.rows import get_rows
from concours.runs.predict import predicted, read_rows
from concours.runs.result import Result
from concours.stores.values import get_values

pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed; pip install 'concours[serve]'")
from concours.serving.watch.reference import Reference
from concours.serving.watch.watch import Watch

ResultOf = Callable[[str], Result]


def watched(result: Result, path: Path, frame: pd.DataFrame, *, told: int, shadowed: int = 0) -> None:
    """A log of rows, with the truth about some of them, and a shadow that was asked about some."""
    read = read_rows(result, frame.drop(columns="sold"), told=lambda text: None)
    p, ids = predicted(result, read), frame["id"].tolist()
    with Watch.open(path, Reference.of(result)) as watch:
        watch.observe(ids[:50], read.x[:50], p[:50])
        watch.observe(ids[50:], read.x[50:], p[50:])
        if shadowed:
            watch.shadow("next", ids[:shadowed], p[:shadowed][:, ::-1])
        watch.feedback(dict(zip(ids[:told], frame["sold"][:told], strict=True)))


def command(result: Result, log: Path, out: Path) -> list[str]:
    """`concours challenge` for a result and a log."""
    return ["challenge", str(result.folder.path), "--from", str(log), "-o", str(out)]


def test_what_served_and_its_shadow_compete_on_what_was_fed_back(
    result_of: ResultOf, flats: Callable[..., pd.DataFrame], tmp_path: Path, concours: Any
) -> None:
    """The contest runs as it is written: scores of what served are those of its answers, and the other way round."""
    result = result_of("flats")
    watched(result, tmp_path / "w.db", flats(160, 5), told=150, shadowed=160)
    out = tmp_path / "challenge.toml"
    code, said, error = concours(*command(result, tmp_path / "w.db", out))
    assert code == 0, error
    assert "150 rows" in said and "logistic (served)" in said
    contest = Contest.from_file(out)
    few = {"engine": "inline", "lineup": "none", "cooperate": [], "out": tmp_path / "run"}
    more = (*contest.entrants, Entrant("new", "logistic"))
    board = {line.entrant.name: line for line in contest.with_options(entrants=more, **few).run().standings}
    served, shadow = board["logistic (served)"], board["next (shadow)"]
    assert served.metrics["accuracy"] == pytest.approx(1 - shadow.metrics["accuracy"])
    assert served.metrics["accuracy"] > 0.6 and "new" in board


@pytest.mark.parametrize("name", ["prices", "texts", "pictures"])
def test_other_rows_make_a_contest_too(result_of: ResultOf, tmp_path: Path, concours: Any, name: str) -> None:
    """Numbers, texts and pictures are read again, and every row of what was answered is found."""
    result = result_of(name)
    problem, store = result.setup.problem, result.folder.store
    x, y = get_rows(store, problem.test.x), get_values(store, problem.test.y)
    p, ids = get_values(store, result.candidate().test), [f"r{row}" for row in range(len(y))]
    truths = [problem.output.labels[code] for code in y] if problem.output.labels else y.tolist()
    with Watch.open(tmp_path / "w.db", Reference.of(result)) as watch:
        watch.observe(ids, x, p)
        watch.feedback(dict(zip(ids, truths, strict=True)))
        measured = watch.standing().measured[0]
    out = tmp_path / "challenge.toml"
    code, _, error = concours(*command(result, tmp_path / "w.db", out))
    assert code == 0, error
    code, said, error = concours("score", str(out), str(tmp_path / "challenge-fed-back" / "answers-1.parquet"))
    assert code == 0, error
    assert measured.name in said


def test_a_shadow_that_missed_rows_is_left_out_and_said(
    result_of: ResultOf, flats: Callable[..., pd.DataFrame], tmp_path: Path, concours: Any
) -> None:
    """It cannot be judged on rows that it was not asked about."""
    result = result_of("flats")
    watched(result, tmp_path / "w.db", flats(160, 5), told=150, shadowed=100)
    out = tmp_path / "challenge.toml"
    wanted = command(result, tmp_path / "w.db", out)
    assert "was asked about 100 of these 150 rows" in concours(*wanted)[1]
    assert [each["name"] for each in tomllib.loads(out.read_text())["entrant"]] == ["logistic (served)"]
    code, _, error = concours(*wanted)
    assert code == 2 and "there already" in error
    assert concours(*wanted, "--force")[0] == 0


def test_without_truth_or_log_it_says_what_to_do(
    result_of: ResultOf, flats: Callable[..., pd.DataFrame], tmp_path: Path, concours: Any
) -> None:
    """One line each: no log, no truth, a log of another result, a file that is none."""
    result = result_of("flats")
    watched(result, tmp_path / "w.db", flats(60, 5), told=0)
    (tmp_path / "rubbish.db").write_bytes(b"rubbish" * 1000)
    for run, log, said in (
        (result, tmp_path / "nothing.db", "is no file"),
        (result, tmp_path / "w.db", "nothing was fed back"),
        (result_of("texts"), tmp_path / "w.db", "another result"),
        (result, tmp_path / "rubbish.db", "is no log"),
    ):
        code, _, error = concours(*command(run, log, tmp_path / "challenge.toml"))
        assert (code, said in error, len(error.splitlines())) == (2, True, 1), error
    assert not (tmp_path / "challenge.toml").exists()
    assert "watch.db is no file" in concours("challenge", str(result.folder.path))[2]
