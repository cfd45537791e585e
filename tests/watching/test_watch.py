"""Watching a served model: drift and performance, a log that is bounded and outlives kills, rubbish that harms nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ConcoursError, DataError
from concours.core.registry import load
from concours.engine.ingest import ingest
from concours.engine.rows import get_rows
from concours.runs.predict import predicted, read_rows
from concours.runs.result import Result
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.kinds import KINDS, kind_named
from concours.tasks.outputs.table import output_valued
from concours.tasks.taken import known_values

pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed; pip install 'concours[serve]'")
from concours.serving.refused import Refused
from concours.serving.watch import log as logs
from concours.serving.watch import watch as watches
from concours.serving.watch.challenge import challenge
from concours.serving.watch.page import render
from concours.serving.watch.reference import Reference, some_rows, watched
from concours.serving.watch.standing import Standing, standing
from concours.serving.watch.tally import BLOCK, Tallies
from concours.serving.watch.traits import traits
from concours.serving.watch.watch import Watch

ResultOf = Callable[[str], Result]
Flats = Callable[..., pd.DataFrame]


def answered(result: Result, rows: Any) -> tuple[Any, Any]:
    """Rows as models take them, and what is predicted of them."""
    read = read_rows(result, rows, told=lambda text: None)
    return read.x, predicted(result, read)


def moved(found: Standing, name: str) -> Any:
    """What is said of a column."""
    return next(each for each in found.moved if each.name == name)


@pytest.mark.parametrize("name", ["flats", "prices", "texts", "pictures"])
def test_a_reference_is_json_and_its_own_rows_are_no_drift(result_of: ResultOf, name: str) -> None:
    """Of every sort of rows something is watched, and what models were fitted on is as it is."""
    result = result_of(name)
    reference = Reference.of(result)
    assert Reference.from_json(json.loads(json.dumps(reference.to_json()))) == reference
    assert reference.inputs and reference.outputs and reference.metrics
    for column in (*reference.inputs, *reference.outputs):
        assert sum(column.counts) == reference.rows
        assert len(column.bins) == len(column.counts) == len(set(column.bins))
    problem, store = result.setup.problem, result.folder.store
    counts = reference.counted(get_rows(store, problem.train.x), get_values(store, result.candidate().oof))
    for side, columns in (("input", reference.inputs), ("output", reference.outputs)):
        for column in columns:
            assert counts[f"{side}: {column.name}"].tolist() == list(column.counts), column.name
    found = standing(reference, Tallies().asked(reference.rows, counts), kept=0, dropped=0)
    assert all(each.whole.index == 0 and not each.drift for each in found.moved)


@pytest.mark.parametrize("name", KINDS.own)
def test_rows_of_every_kind_are_counted_as_those_of_training_were(name: str, tmp_path: Path) -> None:
    """As they lie in the store, as models take them, and as they come out of a log."""
    store = MemoryStore()
    problem = ingest(load(kind_named(name).sample)(tmp_path, 3), store, seed=0, folder=tmp_path).problem
    can, rows = problem.input.can, get_rows(store, problem.train.x)
    columns = watched(traits(some_rows(store, problem.train.x), can))
    for again in (rows, logs.unpacked(logs.packed(rows))):
        found = known_values(traits(again, can))
        for column in columns:
            assert column.counted(found[column.name]).tolist() == list(column.counts), column.name


cells = {
    "number": st.floats(width=32) | st.none(),
    "whole": st.integers(-5, 5) | st.none(),
    "word": st.sampled_from([*"abcdefghijklmnopqrstuvwxyz", "", "\u202e<b>"]) | st.none(),
    "truth": st.booleans() | st.none(),
}
types = {"number": pa.float64(), "whole": pa.int64(), "word": pa.string(), "truth": pa.bool_()}


@settings(max_examples=100)
@given(st.sampled_from(sorted(cells)).flatmap(lambda kind: st.tuples(
    st.just(kind), st.lists(cells[kind], min_size=1, max_size=60), st.lists(cells[kind], max_size=30)
)))  # fmt: skip
def test_counts_are_those_of_counting_one_by_one(drawn: tuple[str, list[Any], list[Any]]) -> None:
    """The naive twin: each cell into the first bin that takes it; every cell is in one, of training and since."""
    kind, trained, seen = drawn
    for column in watched(pa.table({"x": pa.array(trained, types[kind])})):
        for values in (trained, seen):
            counts = [0] * len(column.bins)
            for value in values:
                missing = value is None or (isinstance(value, float) and not np.isfinite(value))
                if missing:
                    place = len(counts) - 1
                elif column.taken == "number":
                    place = sum(value >= edge for edge in column.edges)
                elif column.taken == "text":
                    place = sum(len(value) >= edge for edge in column.edges)
                else:
                    word = str(value).lower() if isinstance(value, bool) else value
                    place = column.values.index(word) if word in column.values else len(counts) - 2
                counts[place] += 1
            assert column.counted(pa.chunked_array([pa.array(values, types[kind])])).tolist() == counts
        assert sum(column.counts) == len(trained)


def test_what_is_watched_of_each_sort_of_rows(result_of: ResultOf) -> None:
    """Columns as they are taken, but no identifiers; lengths of texts; brightness of pictures."""
    names = {
        name: {column.name for column in Reference.of(result_of(name)).inputs}
        for name in ("flats", "texts", "pictures")
    }
    assert names["flats"] == {"price", "rooms", "town", "since"}
    assert {"number of characters", "number of words", "share of digits"} <= names["texts"]
    assert names["pictures"] == {"brightness", "contrast"}


def test_drift_is_seen_where_it_is_and_performance_by_feedback(
    result_of: ResultOf, flats: Flats, tmp_path: Path
) -> None:
    """Dearer flats: the price drifts and the answers with it, the town does not; what is wrong is worse for certain."""
    result = result_of("flats")
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        for seed in range(10):
            frame = flats(400, seed + 1, dearer=4.0)
            x, p = answered(result, frame.drop(columns="sold"))
            watch.observe(frame["id"].tolist(), x, p)
            watch.feedback(dict(zip(frame["id"][:100], frame["sold"][:100], strict=True)))
        found = watch.standing()
    assert (found.rows, found.told, found.kept, found.lost, found.dropped) == (4000, 1000, 4000, 0, 0)
    assert moved(found, "price").drift == "large"
    assert moved(found, "prediction").drift
    assert not moved(found, "town").drift
    accuracy = next(each for each in found.measured if each.name == "accuracy")
    assert accuracy.rows == 1000 and accuracy.low < accuracy.value < accuracy.high and accuracy.worse
    page = render(found)
    assert "price" in page and "worse than on the board" in page and "<script" not in page
    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert next(each for each in said["moved"] if each["name"] == "price")["drift"] == "large"


@pytest.mark.parametrize("name", ["prices", "texts", "pictures"])
def test_other_rows_are_logged_and_scored_too(result_of: ResultOf, name: str, tmp_path: Path) -> None:
    """What comes back of a log is what went in; means of scores are those of the metrics themselves."""
    result = result_of(name)
    problem, store = result.setup.problem, result.folder.store
    x, y = get_rows(store, problem.test.x), get_values(store, problem.test.y)
    p = get_values(store, result.candidate().test)
    truths = [problem.output.labels[code] for code in y] if problem.output.labels else y.tolist()
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        for row in range(len(y)):
            some = x.iloc[row : row + 1] if isinstance(x, pd.DataFrame) else x[row : row + 1]
            watch.observe([f"r{row}"], some, p[row : row + 1])
        assert watch.feedback({f"r{row}": truth for row, truth in enumerate(truths)}) == len(y)
        found = watch.standing()
    output = output_valued(problem.output)
    assert found.told == len(y)
    for each in found.measured:
        assert each.value == pytest.approx(output.metric(each.name).score(np.asarray(y), np.asarray(p)))
        assert each.expected == pytest.approx(each.value)
        assert each.low <= each.value <= each.high
        assert not each.worse


def test_what_is_recent_forgets_what_was(result_of: ResultOf, flats: Flats) -> None:
    """A drift that begins late is seen by the last blocks while all rows together hardly show it."""
    result = result_of("flats")
    reference, tallies = Reference.of(result), Tallies()
    counts = []
    for dearer in (0.0, 2.0):
        frame = flats(1000, 7, dearer=dearer)
        counts.append(reference.counted(*answered(result, frame.drop(columns="sold"))))
    for _ in range(100):
        tallies = tallies.asked(1000, counts[0])
    assert not moved(standing(reference, tallies, kept=0, dropped=0), "price").recent.low
    for _ in range(2 * BLOCK // 1000):
        tallies = tallies.asked(1000, counts[1])
    late = moved(standing(reference, tallies, kept=0, dropped=0), "price")
    assert late.recent.index > 3 * late.whole.index
    assert late.recent.low > late.whole.low
    assert Tallies.from_json(json.loads(json.dumps(tallies.to_json()))) == tallies


def test_a_watch_goes_on_where_it_was(result_of: ResultOf, flats: Flats, tmp_path: Path) -> None:
    """Counts, sums, ids and truths are there again; another model's file is refused, and so is a second process."""
    result, path = result_of("flats"), tmp_path / "watch.db"
    reference = Reference.of(result)
    frame = flats(50, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(path, reference) as watch:
        watch.observe(frame["id"].tolist(), x, p)
        watch.feedback({"f3-0": frame["sold"][0]})
        before = watch.standing()
        with pytest.raises(DataError, match="in use"):
            Watch.open(path, reference)
    with Watch.open(path, reference) as watch:
        assert watch.standing() == before
        with pytest.raises(Refused, match="is there already") as refused:
            watch.feedback({"f3-0": "yes"})
        assert refused.value.status == 409
        watch.feedback({"f3-1": frame["sold"][1]})
        assert watch.standing().told == 2
    with pytest.raises(DataError, match="another result"):
        Watch.open(path, Reference.of(result_of("texts")))
    (tmp_path / "rubbish.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DataError, match="is no log of a watch"):
        Watch.open(tmp_path / "rubbish.db", reference)
    watch.close()


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_told_in_one_line(result_of: ResultOf, flats: Flats, tmp_path: Path, seed: int) -> None:
    """Cut off, or with other bytes in it: what is still whole is used, else one line says that it is damaged."""
    result, path = result_of("flats"), tmp_path / "watch.db"
    reference, frame = Reference.of(result), flats(30, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(path, reference) as watch:
        watch.observe(frame["id"].tolist(), x, p)
        watch.shadow("next", frame["id"].tolist(), p)
        watch.feedback({"f3-0": "yes"})
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    if seed % 4 == 0:
        content = content[: int(rng.integers(1, len(content)))]
    for _ in range(1 + 40 * (seed % 4)):
        content[int(rng.integers(len(content)))] = int(rng.integers(256))
    path.write_bytes(bytes(content))
    said = list[str]()
    for done in (
        lambda: challenge(path, result.digest, tmp_path / "challenge.toml", force=True),
        lambda: Watch.open(path, reference).close(),
    ):
        try:
            done()
        except ConcoursError as error:
            said.append(str(error))
    assert all(str(path) in text and "\n" not in text for text in said)


_KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from concours.core.registry import load
from concours.engine.ingest import ingest
from concours.engine.rows import get_rows
from concours.runs.result import Result
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.kinds import KINDS, kind_named
from concours.tasks.outputs.table import output_valued
from concours.tasks.taken import known_values
from concours.serving.watch.reference import Reference, some_rows, watched
from concours.serving.watch.traits import traits
from concours.serving.watch.watch import Watch
from concours.engine.rows import get_rows
from concours.stores.values import get_values
result = Result.load(sys.argv[1])
problem, store = result.setup.problem, result.folder.store
x, p = get_rows(store, problem.test.x), np.asarray(get_values(store, result.candidate().test))
watch = Watch.open(Path(sys.argv[2]), Reference.of(result))
watch.observe([f"a{row}" for row in range(len(p))], x, p)
watch.standing()
watch.observe([f"b{row}" for row in range(len(p))], x, p)
os.kill(os.getpid(), 9)
"""


def test_after_a_kill_the_file_holds_whole_writings(result_of: ResultOf, tmp_path: Path) -> None:
    """What was written is there, with the counts that belong to it, whatever waited."""
    result, path = result_of("flats"), tmp_path / "watch.db"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(result.folder.path), str(path)], timeout=100)
    assert done.returncode == -9
    with Watch.open(path, Reference.of(result)) as watch:
        found = watch.standing()
        rows = result.setup.problem.test.rows
        assert found.rows == found.kept and found.rows in (rows, 2 * rows)
        assert watch.feedback({"a0": "yes"}) == 1


def test_the_log_is_bounded_and_says_what_went(
    result_of: ResultOf, flats: Flats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest rows make room: they stay counted, and feedback on them is refused; more than may wait is lost."""
    monkeypatch.setattr(logs, "MOST_ROWS", 100)
    monkeypatch.setattr(watches, "WAITING", 60)
    result, path = result_of("flats"), tmp_path / "watch.db"
    with Watch.open(path, Reference.of(result)) as watch:
        for seed in range(4):
            frame = flats(40, seed + 10)
            x, p = answered(result, frame.drop(columns="sold"))
            watch.observe(frame["id"].tolist(), x, p)
            watch.standing()
        found = watch.standing()
        assert (found.rows, found.kept, found.dropped) == (160, 80, 80)
        assert "made room" in render(found)
        with pytest.raises(Refused, match="older than the last 80 rows") as refused:
            watch.feedback({"f10-0": "yes"})
        assert refused.value.status == 404
        with watch._writing:
            for again in range(4):
                watch.observe([f"{again}-{id}" for id in frame["id"]], x, p)
        assert watch.standing().lost == 120
    with Watch.open(path, Reference.of(result)) as watch:
        assert (watch.standing().lost, watch.standing().dropped) == (120, 80 + 40)


def test_shadows_count_for_what_a_log_may_hold(
    result_of: ResultOf, flats: Flats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go with the rows that they are about; what is left of them belongs to rows that are kept."""
    monkeypatch.setattr(logs, "MOST_BYTES", 60_000)
    result = result_of("flats")
    frame = flats(40, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        for turn in range(20):
            ids = [f"{turn}-{id}" for id in frame["id"]]
            watch.observe(ids, x, p)
            for name in ("one", "other", "third"):
                watch.shadow(name, ids, p)
            found = watch.standing()
        kept = {id for shadow in watch._log.shadows() for id in shadow.ids}
        assert 0 < found.kept < 800 and found.kept + found.dropped == 800
        assert len(kept) == found.kept == len(watch._log.requests(sorted(kept)))


@pytest.mark.parametrize(
    "truth",
    [
        "perhaps",
        None,
        [],
        {"a": 1},
        float("nan"),
        True,
        7,
        "",
        "yes\x00",
        ["yes"],
        1e300,
        pytest.param(object(), id="object"),
    ],
    ids=str,
)
def test_a_wrong_truth_is_refused_and_changes_nothing(
    result_of: ResultOf, flats: Flats, tmp_path: Path, truth: Any
) -> None:
    """Whatever is sent as the truth: one clear line, and none of the others sent with it is taken."""
    result = result_of("flats")
    frame = flats(5, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        watch.observe(frame["id"].tolist(), x, p)
        with pytest.raises(Refused, match="does not suit") as refused:
            watch.feedback({"f3-0": "yes", "f3-1": truth})
        assert refused.value.status == 400
        with pytest.raises(Refused, match="no request 'nobody'"):
            watch.feedback({"nobody": "yes"})
        assert watch.standing().told == 0
        assert watch.feedback({}) == 0
        assert watch.feedback({"f3-0": "yes", "f3-1": "no"}) == 2


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"other": [1.0]}),
        pa.table({"price": ["dear"], "rooms": ["many"], "town": [3]}),
        np.zeros((1, 4, 4)),
        np.array(["text"], dtype=object),
        None,
    ],
    ids=["other columns", "without a date", "array", "text", "nothing"],
)
def test_rows_that_do_not_suit_are_lost_alone_and_said(
    result_of: ResultOf, flats: Flats, tmp_path: Path, rows: Any
) -> None:
    """A defect of whoever calls: the rows noted around them are counted, and the page says what was wrong."""
    result = result_of("flats")
    frame = flats(5, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        with watch._writing:
            watch.observe([f"a{id}" for id in frame["id"]], x, p)
            watch.observe(["bad"], rows, p[:1])
            watch.observe([f"b{id}" for id in frame["id"]], x, p)
        found = watch.standing()
        assert (found.rows, found.lost) == (10, 1)
        assert found.trouble
        assert "cannot all be written down" in render(found)
        assert watch.feedback({"af3-0": "yes", "bf3-0": "yes"}) == 2


def test_a_shadow_that_says_something_else_is_left_out_and_said(
    result_of: ResultOf, flats: Flats, tmp_path: Path
) -> None:
    """Predictions of another form, or too few: the rows noted beside it are kept, and the watch goes on."""
    result = result_of("flats")
    frame = flats(5, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        for turn, said in enumerate((p[:3], p[:, :1], p * 2, p.astype(str), None, pa.array(["yes"] * 5))):
            with watch._writing:
                watch.observe([f"{turn}-{id}" for id in frame["id"]], x, p)
                watch.shadow("next", [f"{turn}-{id}" for id in frame["id"]], said)
            found = watch.standing()
            assert (found.rows, found.lost) == (5 * turn + 5, 0)
            assert "the shadow next" in found.trouble
        watch.observe(["few"], x, p)
        assert "an id and a prediction for each row" in watch.standing().trouble
        assert not list(watch._log.shadows())


def test_a_disk_without_room_stops_no_answer(
    result_of: ResultOf, flats: Flats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that cannot be written down are lost and said; feedback is refused with a time to come again."""
    from sqlalchemy.exc import OperationalError

    def full(*_: Any, **__: Any) -> None:
        raise OperationalError("", {}, Exception("database or disk is full"))

    result = result_of("flats")
    frame = flats(5, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        watch.observe(frame["id"].tolist(), x, p)
        watch.standing()
        with monkeypatch.context() as patch:
            patch.setattr(watch._log, "write", full)
            watch.observe([f"b{id}" for id in frame["id"]], x, p)
            found = watch.standing()
            assert (found.rows, found.lost) == (5, 5)
            assert "disk is full" in found.trouble
            with pytest.raises(Refused, match="disk is full") as refused:
                watch.feedback({"f3-0": "yes"})
            assert refused.value.status == 503 and refused.value.retry_after
        watch.observe([f"c{id}" for id in frame["id"]], x, p)
        found = watch.standing()
        assert (found.rows, found.lost, found.trouble) == (10, 5, "")


def test_threads_may_note_and_ask_at_once(result_of: ResultOf, flats: Flats, tmp_path: Path) -> None:
    """Nothing is lost or counted twice, and an id that comes again names the row that it named first."""
    result = result_of("flats")
    frame = flats(5, 3)
    x, p = answered(result, frame.drop(columns="sold"))
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                watch.observe([f"{number}-{turn}-{id}" for id in frame["id"]], x, p)
                if turn % 10 == 9:
                    watch.feedback({f"{number}-{turn}-f3-0": "yes"})
        except (ConcoursError, RuntimeError) as error:
            failures.append(error)

    with Watch.open(tmp_path / "watch.db", Reference.of(result)) as watch:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        watch.observe(["0-9-f3-0"], x[:1], p[:1])
        found = watch.standing()
    assert failures == []
    assert (found.rows, found.told, found.lost) == (401, 8, 0)


def test_a_model_that_is_not_there_cannot_be_watched(result_of: ResultOf) -> None:
    """The message has the nearest name."""
    with pytest.raises(DataError, match="logistic"):
        Reference.of(result_of("flats"), "logistc")
