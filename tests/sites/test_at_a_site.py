"""What a site does and does not do, and what leaves it: without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from concours.core.digests import Digest
from concours.core.errors import ContentRefused
from concours.core.job import Job
from concours.engine.schemas import Schema
from concours.engine.sites.deeds import DEEDS, require, require_leaving
from concours.engine.sites.ledger import Bound, Ledger
from concours.engine.sites.rows import OwnRows
from concours.engine.sites.site import Site
from concours.engine.sites.wire import Answer, Asked
from concours.stores.blobs import put_json, put_table
from concours.stores.disk import DiskStore
from concours.tasks.outputs.classes import Classes

OUTPUT = Classes(classes=2, called=("fine", "ill"))


def asked_of(store: DiskStore, **params: Any) -> Asked:
    """What a server asks first: counts and sums of the columns `age` and `dose`."""
    schema = Schema(kind="tabular-classification", target="state", output=OUTPUT.value.told, classes=OUTPUT.labels)
    like = pa.table({"age": pa.array([], pa.int64()), "dose": pa.array([], pa.float64())})
    inputs = {"schema": put_json(store, schema.to_json()), "like": put_table(store, like)}
    objects = {digest: store.local_path(digest).read_bytes() for digest in inputs.values()}
    job = Job(
        runner="site_sums",
        inputs={**inputs, "x": Digest("sha256:" + "0" * 64), "y": Digest("sha256:" + "1" * 64)},
        params={"recipe": "dnn", "params": {}, "output": OUTPUT.value.told, **params},
        outputs=("sums",),
        label="sums",
    )
    return Asked(job=job, objects=objects)


@pytest.fixture
def answered(tmp_path: Path) -> Any:
    """Gives what a site answers whose rows are a frame's, and what it tells its owner."""

    def answer(frame: pd.DataFrame, **params: Any) -> tuple[Answer, list[str]]:
        file, said = tmp_path / "private.csv", list[str]()
        frame.to_csv(file, index=False)
        server, own = DiskStore(tmp_path / "server"), DiskStore(tmp_path / "own")
        rows, ledger = OwnRows(file, said.append), Ledger(file, Bound())
        return Site(own, {"x": rows, "y": rows}, ledger, said.append).answer(asked_of(server, **params)), said

    return answer


ROWS = pd.DataFrame({"age": [31, 42, 58, 67], "dose": [0.5, 1.5, 2.5, 4.0], "state": ["fine", "ill", "ill", "fine"]})


def test_counts_and_sums_leave(answered: Any) -> None:
    """What leaves is what the sums are, and nothing else."""
    answer, _ = answered(ROWS.assign(name=["Ada", "Bo", "Cy", "Di"]))
    assert answer.reason == ""
    assert answer.values == {"rows": 4, "classes": 2}
    sums = answer.outputs["sums"]
    np.testing.assert_allclose(sums["inputs/total"], [198, 8.5])
    assert {tensor.shape for tensor in sums.values()} == {(2,)}


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            ROWS.rename(columns={"dose": "amount"}),
            "its rows are not as the task says, by 'dose'; the site has been told why",
        ),
        (
            ROWS.drop(columns="state"),
            "its rows are not as the task says, by 'age', 'state'; the site has been told why",
        ),
        (ROWS.assign(state=["fine", "dead", "ill", "ill"]), "its target has values that the task does not know"),
        (ROWS[:0], "it has no rows"),
    ],
)
def test_rows_that_do_not_suit(answered: Any, frame: pd.DataFrame, told: str) -> None:
    """One line on both sides; the server's holds nothing of the rows, nor a name that the server did not give."""
    answer, said = answered(frame)
    assert answer.cause == "exception"
    assert not answer.outputs
    assert "\n" not in answer.reason
    assert answer.reason == told
    assert not any(word in answer.reason for word in ("amount", "dead", "Ada", "private.csv"))
    assert said, "whoever has the rows is told more"


def test_cells_that_do_not_fit_are_told_to_their_owner(answered: Any) -> None:
    """They are gaps, as in new rows anywhere; nothing is left out without a word."""
    answer, said = answered(ROWS.assign(dose=["a", "b", "c", "d"]))
    assert answer.outputs["sums"]["inputs/count"].tolist() == [4, 0]
    assert any("'dose' has none of the numbers" in text for text in said)


def test_rows_of_one_class_are_told_to_their_owner(answered: Any) -> None:
    """They teach little, and take part; the server is told how many classes there are."""
    answer, said = answered(ROWS.assign(state="ill"))
    assert answer.values == {"rows": 4, "classes": 1}
    assert any("of one class" in text for text in said)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"runner": "fit"}, "this site does no 'fit'"),
        ({"params": {"recipe": "dnn", "evil": 1}}, "this site takes no parameter 'evil'"),
        ({"inputs": {"code": Digest("sha256:" + "2" * 64)}}, "this site runs nobody's code"),
    ],
)
def test_what_is_not_on_the_list_is_refused(change: Mapping[str, Any], told: str) -> None:
    """A site's own code holds what it does."""
    job = Job(runner="train_at_site", params={"recipe": "dnn"})
    assert require(job) is DEEDS["train_at_site"]
    with pytest.raises(ContentRefused, match=told):
        require(replace(job, **change))


@given(shape=array_shapes(min_dims=1, max_dims=3, max_side=6))
@settings(max_examples=50)
def test_only_the_shapes_of_weights_leave(shape: tuple[int, ...]) -> None:
    """Law: a tensor leaves if it has the shape of the one that came under its name, or is a single number."""
    came = {"1.weight": np.zeros((3, 2), np.float32)}
    outputs = {"update": {"delta/1.weight": np.zeros(shape, np.float32), "rows": np.array(5)}}
    if shape in ((3, 2), (1,)):
        require_leaving(DEEDS["train_at_site"], outputs, came, 2)
    else:
        with pytest.raises(ContentRefused, match="may not leave"):
            require_leaving(DEEDS["train_at_site"], outputs, came, 2)


def test_texts_do_not_leave() -> None:
    """Of whatever shape."""
    for odd in (np.array("red"), np.array(["red"]), np.array([b"red"])):
        with pytest.raises(ContentRefused, match="may not leave"):
            require_leaving(DEEDS["site_sums"], {"sums": {"inputs/count": odd}}, {}, 1)


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=5), rows=st.integers(0, 9))
@settings(max_examples=30)
def test_what_is_sent_is_what_comes(values: list[float], rows: int) -> None:
    """Law: an answer, and what is asked, come out of their messages as they went in."""
    tensor = np.array(values, dtype=np.float32)
    found = Answer.of(Answer(outputs={"update": {"a/b": tensor}}, values={"rows": rows}).content())
    assert found.values == {"rows": rows}
    np.testing.assert_array_equal(found.outputs["update"]["a/b"], tensor)


def test_an_object_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    """What comes is not believed."""
    asked = asked_of(DiskStore(tmp_path))
    (name, *_) = asked.objects
    with pytest.raises(ContentRefused, match="not what its name says"):
        Asked.of(replace(asked, objects={**asked.objects, name: b"other"}).content())
