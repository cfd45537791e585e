"""Clustering: how rows become points, what is refused, and how groups are told in files and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import ContestError, DataError
from concours.insights.diagnosis import Predicted
from concours.insights.groups import of_groups
from concours.tasks.clusters.finding import find, sample
from concours.tasks.clusters.reading import read
from concours.tasks.clusters.standard import standard_of
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.groups import Groups
from concours.tasks.readers.opened import Options
from concours.tasks.task import Task

TABLE = "id,age,city,note\n" + "".join(
    f"c{i},{20 + i % 7},{'Rome' if i % 2 else 'Oslo'},hello {i} there\n" for i in range(20)
)


def reading(folder: Path, text: str = TABLE, **more):
    (folder / "rows.csv").write_text(text)
    return read(Task(kind="clustering", data="rows.csv", **more), kind_named("clustering"), folder)


def test_rows_are_points_on_one_scale():
    """A number in deviations, at most five; a gap is the mean; a word is a 0 or 1; what tells nothing is left out."""
    table = pa.table(
        {"a": [1.0, 3.0, None, 2.0], "b": ["x", "y", "x", "y"], "c": [7, 7, 7, 7], "d": ["p", "q", "r", "s"]}
    )
    standard, out = standard_of(table, "t.csv")
    assert standard.names == ("a", "b = x", "b = y")
    assert out == ("c", "d")
    deviation = np.std([1, 3, 2])
    expected = [[-1 / deviation, 1, 0], [1 / deviation, 0, 1], [0, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(standard.points(table), expected)
    far = pa.table({**{name: table[name].slice(0, 1) for name in "bcd"}, "a": [1e9]})
    assert standard.points(far)[0, 0] == 5.0


def test_targets_are_wider_than_memberships_and_end_with_the_truth(tmp_path):
    data, _ = reading(tmp_path, target="city", id="id")
    assert data.y.shape == (20, 9)
    np.testing.assert_array_equal(np.unique(data.y[:, -1]), [0, 1])
    assert data.meta["known"] == ("Oslo", "Rome")
    assert data.meta["columns_of"] == ("age",)
    assert any("note" in warning for warning in data.warnings)
    alone, _ = reading(tmp_path, id="id")
    np.testing.assert_array_equal(np.unique(alone.y[:, -1]), [-1])


def test_a_test_part_of_its_own_is_told_on_the_same_scale(tmp_path):
    (tmp_path / "more.csv").write_text("id,age,city,note\nd1,20,Oslo,a\nd2,90,Bern,b\n")
    data, test = reading(tmp_path, id="id", test="more.csv")
    assert test is not None
    np.testing.assert_allclose(test.y[0], data.y[0])
    assert test.y[1, 0] == 5.0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"groups": 1}, "whole number from 2 to 50, got 1"), ({"group": 3}, "unknown key.*groups")],
)
def test_how_many_groups_is_a_whole_number(options, said, tmp_path):
    with pytest.raises(ContestError, match=said):
        reading(tmp_path, options=options)


def test_agreement_with_a_truth_wants_one():
    with pytest.raises(DataError, match=r"ari compares with true groups: name their column by task\.target"):
        Groups(columns_of=("a",)).metric("ari")
    assert Groups(columns_of=("a",), known=("p", "q")).usual == ("silhouette", "stability", "ari", "nmi")


def test_truth_is_known_by_the_metrics(tmp_path):
    """Groups as the truth has them agree with it, whatever their numbers."""
    data = read(sample(tmp_path, 0), kind_named("clustering"), tmp_path)[0]
    output = Groups(**data.meta)
    codes = output.truth(data.y)
    assert output.metric("ari").score(data.y, np.eye(8)[(codes + 2) % 3]) == pytest.approx(1.0)
    assert output.metric("nmi").score(data.y, np.eye(8)[codes]) == pytest.approx(1.0)
    assert abs(output.metric("ari").score(data.y, np.eye(8)[np.arange(150) // 50])) < 0.05
    apart = output.metric("silhouette").score(data.y, np.eye(8)[codes])
    assert apart > 0.5 > output.metric("silhouette").score(data.y, np.eye(8)[np.arange(150) // 50])


def test_the_finder_takes_any_table_where_it_is_asked(tmp_path):
    (tmp_path / "rows.csv").write_text(TABLE)
    assert find(tmp_path / "rows.csv", Options()) is None
    keys = find(tmp_path / "rows.csv", Options(asked=True, names=("city",)))
    assert keys is not None
    assert keys["target"][0] == "city"


SHORT = Groups(columns_of=("a", "b"), places=3)


def test_memberships_are_shares_or_numbers_of_groups():
    np.testing.assert_array_equal(SHORT.accepted(np.array([0, 2]), 2), [[1, 0, 0], [0, 0, 1]])
    with pytest.raises(DataError, match="add up to 1; row 1 does not"):
        SHORT.accepted(np.array([[1.0, 0, 0], [1.0, 1.0, 0]]), 2)
    with pytest.raises(DataError, match="numbers from 0 to 2, got 0 to 3"):
        SHORT.accepted(np.array([0, 3]), 2)


def test_a_file_of_groups_is_what_was_written():
    p = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    table = pa.table(SHORT.columns(p, None, proba=False))
    assert table["prediction"].to_pylist() == [1, 3]
    np.testing.assert_array_equal(SHORT.given(table, "p.csv").named, p)
    np.testing.assert_array_equal(SHORT.given(table.select(["prediction"]), "p.csv").named, [[1, 0, 0], [0, 0, 1]])
    with pytest.raises(DataError, match="the number of a group, from 1, was expected in a column 'prediction'"):
        SHORT.given(pa.table({"x": [1]}), "p.csv")


def test_a_report_says_what_tells_a_group():
    """The column by which groups were made comes first, with its sign."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(90, 2))
    codes = (points[:, 1] > 0.5).astype(int)
    points[:, 1] += 4 * codes
    y = np.concatenate([points, np.zeros((90, 1)), np.full((90, 1), -1.0)], axis=1)
    found = of_groups(
        Predicted(
            y=y, p=np.eye(3)[codes], told=None, losses=np.full(90, -0.4), written=SHORT.written, weights=None, rng=rng,
            meta=SHORT.meta,
        )
    )["groups_found"]  # fmt: skip
    assert [one["name"] for one in found["groups"]] == ["group 1", "group 2"]
    assert sum(one["rows"] for one in found["groups"]) == 90
    assert found["groups"][1]["telling"][0]["column"] == "b"
    assert found["groups"][1]["telling"][0]["away"] > 1
    assert found["groups"][0]["silhouette"] == pytest.approx(0.4)
