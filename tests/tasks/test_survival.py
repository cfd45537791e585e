"""Survival: how a time and an event are read, found, refused, and told in files and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import ContestError, DataError
from concours.insights.diagnosis import Predicted
from concours.insights.survival import of_survival
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.survival import Survival
from concours.tasks.readers.opened import Options
from concours.tasks.survival.finding import find, sample
from concours.tasks.survival.reading import meaning, read
from concours.tasks.survival.words import that_came
from concours.tasks.task import Task


def table(folder: Path, text: str, **more) -> Task:
    (folder / "people.csv").write_text(text)
    options = more.pop("options", {"event": "died"})
    return Task(kind="survival", data="people.csv", target="time", options=options, **more)


def reading(task: Task, folder: Path):
    return read(task, kind_named("survival"), folder)[0]


@pytest.mark.parametrize("cells", [("1", "0"), ("true", "false"), ("yes", "no"), ("True", "False")])
def test_an_event_is_one_or_true_or_yes(cells, tmp_path):
    came, not_yet = cells
    data = reading(table(tmp_path, f"age,time,died\n50,3,{came}\n61,4.5,{not_yet}\n40,9,{came}\n"), tmp_path)
    np.testing.assert_array_equal(data.y, [[3, 1], [4.5, 0], [9, 1]])
    assert data.x.column_names == ["age"]


def test_words_are_named_by_happened(tmp_path):
    text = "age,time,state\n50,3,dead\n61,4,alive\n40,9,dead\n"
    task = table(tmp_path, text, options={"event": "state", "happened": "dead"})
    np.testing.assert_array_equal(reading(task, tmp_path).y[:, 1], [1, 0, 1])
    with pytest.raises(DataError, match=r"which value of the event 'state'.*happened = \"dead\""):
        reading(table(tmp_path, text, options={"event": "state"}), tmp_path)
    with pytest.raises(ContestError, match="is never 'gone'; it is 'alive', 'dead'"):
        reading(table(tmp_path, text, options={"event": "state", "happened": "gone"}), tmp_path)


def test_what_ones_mean_can_be_turned_around():
    """A column that says who was censored."""
    assert meaning(["1", "0", "1"], "censored", "0", "x.csv") == "0"
    assert meaning(["0", "0"], "died", None, "x.csv") == "1"


def test_a_test_part_of_its_own_says_the_event_as_the_data_does(tmp_path):
    (tmp_path / "more.csv").write_text("age,time,died\n50,3,0\n61,4,0\n")
    task = table(tmp_path, "age,time,died\n50,3,1\n61,4,0\n40,9,1\n", test="more.csv")
    data, test = read(task, kind_named("survival"), tmp_path)
    assert test is not None
    assert data.y[:, 1].sum() == 2
    assert test.y[:, 1].sum() == 0


def test_the_finder_knows_usual_names(tmp_path):
    (tmp_path / "a.csv").write_text(
        "age,followUpTime,Died,x\n" + "".join(f"5{i % 9},{i + 1},{i % 2},a\n" for i in range(20))
    )
    keys = find(tmp_path / "a.csv", Options())
    assert keys is not None
    assert (keys["target"][0], keys["event"][0]) == ("followUpTime", "Died")
    (tmp_path / "b.csv").write_text("age,price\n1,2\n3,4\n")
    assert find(tmp_path / "b.csv", Options()) is None
    (tmp_path / "c.csv").write_text("age,time\n1,2\n3,4\n")
    with pytest.raises(DataError, match='target = "time" and event = "THAT COLUMN"'):
        find(tmp_path / "c.csv", Options(asked=True))


@pytest.mark.parametrize(
    ("event", "happened", "values"),
    [
        ("died", "yes", "no yes"),
        ("died", "ja", "ja nein"),
        ("Verstorben", "J", "J N"),
        ("décès", "oui", "non oui"),
        ("fallecido", "sí", "no sí"),
        ("status", "dead", "alive dead"),
        ("OS_STATUS", "1:DECEASED", "0:LIVING 1:DECEASED"),
        ("status", "tot", "tot zensiert"),
        ("status", "verstorben", "lebt verstorben"),
        ("statut", "décédé", "censuré décédé"),
        ("estado", "muerto", "muerto vivo"),
        ("status", "event", "censored event"),
        ("machine", "failed", "failed running"),
        ("censored", "no", "no yes"),
        ("zensiert", "nein", "ja nein"),
        ("censored", "false", "false true"),
        ("status", None, "A B"),
        ("status", None, "1 2"),
        ("status", None, "dead lost"),
        ("status", None, "event no_event"),
        ("status", None, "died_at_home died_elsewhere"),
    ],
)
def test_words_of_four_languages_say_whether_an_event_came(event, happened, values):
    """The event is not turned round, and what is not known is not guessed."""
    assert that_came(values.split(), event) == happened


@pytest.mark.parametrize(("values", "happened"), [("ja nein", "ja"), ("tot zensiert", "tot")])
def test_the_finder_writes_which_word_says_that_it_came(values, happened, tmp_path):
    """Also where that is the more frequent one."""
    words = values.split()
    rows = "".join(f"{i},{i + 1},{words[i % 3 == 0]}\n" for i in range(30))
    (tmp_path / "a.csv").write_text("age,Monate,died\n" + rows)
    keys = find(tmp_path / "a.csv", Options(asked=True))
    assert keys is not None
    assert keys["happened"][0] == happened


def test_the_finder_asks_for_words_that_it_does_not_know(tmp_path):
    """Both words are named, and what to write; unasked it says nothing, as another kind may be meant."""
    (tmp_path / "a.csv").write_text("age,time,status\n" + "".join(f"{i},{i + 1},{'AB'[i % 2]}\n" for i in range(30)))
    with pytest.raises(DataError, match=r'"A" or "B"\?.*event = "status" and happened = "A", or happened = "B"'):
        find(tmp_path / "a.csv", Options(asked=True))
    assert find(tmp_path / "a.csv", Options())


def test_a_third_value_of_an_event_is_named(tmp_path):
    """Rather than that there is no column of two values."""
    rows = "".join(f"{i},{i + 1},{('yes', 'no')[i % 2]}\n" for i in range(20))
    (tmp_path / "a.csv").write_text("age,months,died\n" + rows + "1,2,unknown\n")
    with pytest.raises(
        DataError, match=r"'died' must have two values.*it has 3: .*'unknown' \(1\), 'unknown' first in row 21"
    ):
        find(tmp_path / "a.csv", Options(asked=True))


def test_a_contest_that_turns_an_event_round_is_warned(tmp_path):
    """What a person writes holds, and is doubted where the words say the opposite."""
    text = "age,time,state\n50,3,dead\n61,4,alive\n40,9,dead\n"
    turned = reading(table(tmp_path, text, options={"event": "state", "happened": "alive"}), tmp_path)
    assert turned.warnings == (
        "people.csv: 'alive' of 'state' is taken for the event; by its words that is rather 'dead'",
    )
    assert not reading(table(tmp_path, text, options={"event": "state", "happened": "dead"}), tmp_path).warnings


def test_a_grid_is_made_of_the_times_of_events_that_are_fitted_on(tmp_path):
    data = reading(sample(tmp_path, 0), tmp_path)
    rows = np.arange(100)
    output, said = Survival(event="failed", happened="yes").learned(data.x, data.y, rows, None)
    assert isinstance(output, Survival)
    came = data.y[:100][data.y[:100, 1] > 0, 0]
    assert set(output.times) <= set(came)
    assert 3 <= len(output.times) <= 40
    assert f"in {len(came)} of 100 rows" in said[0]
    assert (output.known.at(np.asarray(output.times)) > 0).all()


def test_one_time_of_all_events_makes_a_grid_too():
    y = np.array([[4.0, 1.0], [4.0, 1.0], [6.0, 0.0]])
    output, _ = Survival().learned(None, y, np.arange(3), None)
    assert len(output.times) == 3
    assert output.times[-1] == 4.0


SHORT = Survival(event="died", happened="1", times=(1.0, 2.0, 4.0), known_times=(3.0,), known_values=(0.5,))


def test_curves_are_probabilities_and_fall():
    p = SHORT.accepted(np.array([[0.9, 0.95, 0.2]]), 1)
    np.testing.assert_array_equal(p, [[0.95, 0.9, 0.2]])
    with pytest.raises(DataError, match="from 0 to 1; row 1 goes from 0.1 to 1.3"):
        SHORT.accepted(np.array([[0.9, 0.8, 0.2], [1.3, 0.5, 0.1]]), 2)


def test_a_file_of_curves_is_what_was_written():
    p = np.array([[0.9, 0.6, 0.2], [1.0, 1.0, 0.9]])
    columns = pa.table(SHORT.columns(p, None, proba=False))
    assert columns.column_names == ["prediction", "s1", "s2", "s4"]
    np.testing.assert_array_equal(SHORT.given(columns, "p.csv").named, p)
    with pytest.raises(DataError, match="column 's2' is missing; a survival curve has 3 columns, 's1' to 's4'"):
        SHORT.given(columns.drop_columns(["s2"]), "p.csv")


def test_rows_are_told_in_the_words_of_the_field():
    assert SHORT.written(np.array([[3.0, 1.0], [5.0, 0.0]])) == ["3", "5+"]
    assert SHORT.written(np.array([[0.9, 0.4, 0.1], [1.0, 0.9, 0.8]])) == ["2", "> 4"]


def test_a_report_lays_risk_beside_what_came():
    """Thirds by predicted risk, whose observed curves lie as they were predicted."""
    rng = np.random.default_rng(0)
    rate = np.repeat([0.1, 0.5, 2.0], 1000)
    time, lost = rng.exponential(1 / rate), rng.exponential(6.0, 3000)
    y = np.stack([np.minimum(time, lost), time <= lost], axis=1).astype(np.float64)
    p = np.exp(-rate[:, None] * np.asarray(SHORT.times))
    found = of_survival(
        Predicted(
            y=y, p=p, told=p, losses=np.arange(3000.0), written=SHORT.written, weights=None, rng=rng, meta=SHORT.meta
        )
    )["survival"]
    assert [third["name"] for third in found["thirds"]] == ["highest", "middle", "lowest"]
    for third in found["thirds"]:
        assert third["rows"] == 1000
        for low, seen, high in zip(third["low"], third["observed"], third["high"], strict=True):
            assert low <= seen <= high
        np.testing.assert_allclose(third["observed"], third["predicted"], atol=0.05)
    assert found["horizon"] == 2.0
    assert sum(one["rows"] for one in found["calibration"]) == 3000
    assert all(abs(one["observed"] - one["predicted"]) < 0.12 for one in found["calibration"])
