"""Units that run to failure: the layout of C-MAPSS, tables, windows, and metrics of what is left."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from concours.api.contest import Contest
from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.kernels.scoring.life import by_life, capped_squares, phm08
from concours.stores.values import get_values
from concours.tasks.kinds import KINDS
from concours.tasks.life.finding import find
from concours.tasks.outputs.life import Life
from concours.tasks.readers.opened import Options
from concours.tasks.reading import Data
from concours.tasks.samples_sequences import worn
from concours.tasks.task import Split, Task

KIND = KINDS["remaining-useful-life"]


def _engines(folder: Path, *, test: bool = True) -> None:
    """Two engines that fail after 5 and 4 cycles; and two that stop, with 9 and 2 cycles left."""

    def lines(lengths: dict[int, int]) -> str:
        rng = np.random.default_rng(0)
        return "".join(
            f"{unit} {cycle} " + " ".join(f"{value:.2f}" for value in rng.standard_normal(24)) + " \n"
            for unit, length in lengths.items()
            for cycle in range(1, length + 1)
        )

    (folder / "train_FD007.txt.gz").write_bytes(gzip.compress(lines({1: 5, 2: 4}).encode()))
    if test:
        (folder / "test_FD007.txt").write_text(lines({1: 3, 2: 2}))
        (folder / "RUL_FD007.txt").write_text("9 \n2 \n")


def _read(task: Task, folder: Path) -> tuple[Data, Data | None]:
    found: tuple[Data, Data | None] = load(KIND.input.reader)(task, KIND, folder)
    return found


def _task(data: str, **more: object) -> Task:
    return Task(kind=KIND.name, data=data, **more)  # type: ignore[arg-type]


def test_the_layout_of_cmapss_is_read(tmp_path: Path) -> None:
    """Rows are windows that end at each cycle; the last window of each unit of the test part judges."""
    _engines(tmp_path)
    data, judging = _read(_task(".", id="unit", options={"window": 3}), tmp_path)
    assert judging is not None
    assert data.y.tolist() == [3, 2, 1, 0, 2, 1, 0]
    assert judging.y.tolist() == [9, 2]
    assert isinstance(data.x, np.ndarray)
    assert isinstance(judging.x, np.ndarray)
    assert data.x.shape == (7, 25, 3)
    np.testing.assert_array_equal(data.x[0, -1], [np.nan, 1, 2])
    np.testing.assert_array_equal(judging.x[:, -1], [[1, 2, 3], [np.nan, 1, 2]])
    assert data.ids is not None
    assert judging.ids is not None
    assert data.ids.to_pylist()[:2] == ["1@2", "1@3"]
    assert judging.ids.to_pylist() == [1, 2]
    assert data.together == "unit"
    assert data.meta["time"] == "cycle"


def test_every_says_how_many_cycles_lie_between_windows(tmp_path: Path) -> None:
    _engines(tmp_path)
    data, _ = _read(_task(".", options={"window": 2, "every": 2}), tmp_path)
    assert data.y.tolist() == [2, 0, 2, 0]


def test_new_units_are_asked_about_by_their_last_window(tmp_path: Path) -> None:
    _engines(tmp_path)
    data, judging = _read(_task(".", id="unit", options={"window": 3}), tmp_path)
    assert judging is not None
    renew = load(KIND.input.renewer)
    x, opened = renew(str(tmp_path / "test_FD007.txt"), data.x, meta=data.meta, forms=data.forms, written=("unit",))
    np.testing.assert_array_equal(x, judging.x)
    assert opened.x["unit"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("RUL_FD007.txt", "9\n", "RUL_FD007.txt has 1 line, and test_FD007.txt 2 units: a line a unit was expected"),
        ("RUL_FD007.txt", "9\ntwo\n", "RUL_FD007.txt, line 2: numbers were expected, got 'two'"),
        ("test_FD007.txt", "1 1 0.5\n", "test_FD007.txt, line 1: 26 numbers were expected, got 3"),
    ],
)
def test_damage_of_the_layout_is_told_by_file_and_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    _engines(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        _read(_task("."), tmp_path)


def test_several_sets_are_to_be_told_apart_by_a_file(tmp_path: Path) -> None:
    _engines(tmp_path)
    (tmp_path / "train_FD008.txt").write_bytes(gzip.decompress((tmp_path / "train_FD007.txt.gz").read_bytes()))
    with pytest.raises(DataError, match=r"2 sets of engines \(FD007, FD008\); name a file of one"):
        _read(_task("."), tmp_path)
    data, judging = _read(_task("train_FD008.txt", options={"window": 3}), tmp_path)
    assert len(data) == 7
    assert judging is None


def test_units_of_a_table_run_to_failure_or_have_their_life_told(tmp_path: Path) -> None:
    rows = ["u,t,x,left,failed", "a,1,1,7,0", "a,2,2,6,0", "b,1,1,1,0", "b,2,5,0,1"]
    (tmp_path / "u.csv").write_text("\n".join(rows))
    told = _task("u.csv", id="u", target="left", options={"time": "t", "window": 2}, drop=("failed",))
    assert _read(told, tmp_path)[0].y.tolist() == [6, 0]
    whole = _task("u.csv", id="u", options={"time": "t", "window": 2}, drop=("left", "failed"))
    assert _read(whole, tmp_path)[0].y.tolist() == [0, 0]
    failing = replace(whole, options={**whole.options, "failure": "failed"}, drop=("left",))
    with pytest.raises(DataError, match="unit a has no failure: failed is never 1, up to its last row, 2"):
        _read(failing, tmp_path)
    data, _ = _read(replace(failing, on_bad_row="skip"), tmp_path)
    assert data.y.tolist() == [0]
    assert any("1 of 2 units left out; first: unit a has no failure" in text for text in data.warnings)


def test_what_units_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    task = worn(tmp_path, 0)
    with pytest.raises(ContestError, match=r"task\.split\.time: units are split whole"):
        _read(replace(task, split=Split(time="cycle")), tmp_path)
    with pytest.raises(ContestError, match=r"task\.options\.window must be a whole number of steps"):
        _read(replace(task, options={"window": 0}), tmp_path)
    with pytest.raises(
        DataError, match=r"task\.id is missing: name the column of the units; worn.csv has: unit, cycle"
    ):
        _read(replace(task, id=None), tmp_path)


def test_engines_and_tables_of_units_are_found(tmp_path: Path) -> None:
    _engines(tmp_path)
    found = find(tmp_path, Options())
    assert found is not None
    assert found["id"][0] == "unit"
    assert found["options"][0] == {"time": "cycle", "window": 30, "cap": 125}
    (tmp_path / "u.csv").write_text("unit,cycle,x,RUL\n1,1,0.5,1\n1,2,0.7,0\n2,1,0.5,2\n2,2,0.6,1\n")
    table = find(tmp_path / "u.csv", Options())
    assert table is not None
    assert table["target"][0] == "RUL"
    (tmp_path / "plain.csv").write_text("machine,temperature,failed_before\na,1,0\nb,2,1\n")
    assert find(tmp_path / "plain.csv", Options()) is None


def test_lives_count_up_to_the_cap() -> None:
    y, p = np.array([200.0, 100.0, 10.0]), np.array([[130.0], [90.0], [14.0]])
    np.testing.assert_allclose(capped_squares(y, p, 125.0), [0.0, 100.0, 16.0])
    np.testing.assert_array_equal(Life(cap=125).taught(y), [125, 100, 10])
    np.testing.assert_array_equal(Life(cap=125).taught(Life(cap=125).taught(y)), Life(cap=125).taught(y))
    output = Life(cap=125)
    assert output.metric("rmse_capped").score(y, p) == pytest.approx(np.sqrt(116 / 3))
    assert output.metric("rmse").score(y, p) == pytest.approx(np.sqrt((4900 + 100 + 16) / 3))


def test_models_are_told_lives_up_to_the_cap(tmp_path: Path) -> None:
    """Targets are kept as they are, so that both errors can be told; who is fitted gets them capped."""
    task = replace(worn(tmp_path, 0), options={"time": "cycle", "window": 6, "cap": 5})
    contest = Contest(task=task, entrants=[], lineup="none", cooperate=[], engine="inline", out=tmp_path / "run")
    result = contest.run(lasting=False)
    store, problem = result.folder.store, result.setup.problem
    y = get_values(store, problem.train.y)
    said = get_values(store, result.candidates["dummy"].test or "")
    assert y.max() > 5
    assert said.max() <= 5
    assert said.mean() == pytest.approx(np.minimum(y, 5).mean(), rel=0.05)


def test_the_score_of_the_challenge_is_worse_for_what_is_late() -> None:
    """Saxena et al. 2008: a = 13 where a prediction is early, 10 where it is late."""
    early, late = phm08(np.array([50.0, 50.0]), np.array([[37.0], [60.0]]))
    assert early == pytest.approx(np.e - 1)
    assert late == pytest.approx(np.e - 1)
    assert phm08(np.array([5.0]), np.array([[5.0]]))[0] == 0
    assert np.isfinite(phm08(np.array([0.0]), np.array([[1e9]]))).all()


def test_errors_are_told_by_how_much_life_is_left() -> None:
    y, p = np.array([10.0, 25.0, 124.0, 300.0]), np.array([[12.0], [21.0], [124.0], [100.0]])
    found = by_life(y, p, 125.0)
    assert [(band["low"], band["high"], band["rows"]) for band in found] == [
        (0, 25, 2),
        (100, 125, 1),
        (125, np.inf, 1),
    ]
    assert found[0]["bias"] == pytest.approx(-1)
    assert found[0]["rmse"] == pytest.approx(np.sqrt(10))
    assert found[2]["bias"] == pytest.approx(-25)


def _machines(doubled: Sequence[int]) -> str:
    """Eight machines of twenty cycles, some lines of which stand twice."""
    lines = [f"M{unit},{cycle},{cycle * unit % 7}" for unit in range(8) for cycle in range(1, 21)]
    twice = [line for place, line in enumerate(lines) for _ in range(1 + (place in doubled))]
    return "\n".join(["machine,cycle,heat", *twice])


@pytest.mark.parametrize(
    ("doubled", "time", "way", "said"),
    [
        ((), "cycle", None, ""),
        ((3,), "cycle", "skip", "unit M0 has cycle = 4 again in row 5"),
        (range(160), None, None, "'cycle' is not taken for the time.*unit M0 has cycle = 1 twice, again in row 2"),
    ],
)
def test_the_counter_of_cycles_is_not_lost_without_a_word(doubled, time, way, said, tmp_path):
    """A few doubled rows leave it what it is, and are named; where nearly all are, the contest says why it is none."""
    (tmp_path / "m.csv").write_text(_machines(doubled))
    keys = find(tmp_path / "m.csv", Options(asked=True))
    assert keys is not None
    assert keys["options"][0].get("time") == time
    assert keys.get("on_bad_row", (None,))[0] == way
    assert re.search(said, " ".join(why for _, why in keys.values()))
