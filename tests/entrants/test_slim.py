"""Tensors in fewer bytes, networks cut, and soft labels, against their naive twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from concours.core.errors import RecipeError
from concours.entrants.neural import ConvClassifier, DenseClassifier
from concours.entrants.packed import packed, unpacked
from concours.entrants.slim import cut, in_bytes
from concours.entrants.soft import fit_soft
from concours.entrants.wishes import Wishes
from concours.kernels.rows.kin import Kin

FLOATS = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=1, max_dims=3, max_side=6), elements=st.floats(-1e3, 1e3, width=32)
)


@given(FLOATS)
@settings(max_examples=60)
def test_bytes_are_near_and_packed_again_the_same(tensor: np.ndarray) -> None:
    """No number is further off than half of its row's scale, and what was unpacked packs to the same bytes."""
    once = packed({"w": tensor}, "bytes")
    back = unpacked(once)["w"]
    again = packed({"w": back}, "bytes")
    assert {name: each.tobytes() for name, each in again.items()} == {n: e.tobytes() for n, e in once.items()}
    if tensor.ndim > 1:
        assert (np.abs(back - tensor) <= 0.5001 * np.broadcast_to(once["w:scale"], tensor.shape) + 1e-30).all()


@given(FLOATS, st.floats(0, 1))
@settings(max_examples=60)
def test_sparse_tensors_are_what_they_were(tensor: np.ndarray, share: float) -> None:
    """Whatever is 0, unpacking gives the tensor back, in no more bytes."""
    tensor = np.where(np.random.default_rng(0).random(tensor.shape) < share, np.float32(0), tensor)
    once = packed({"w": tensor}, "sparse")
    np.testing.assert_array_equal(unpacked(once)["w"], tensor)


def rows(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Rows that a network learns in no time."""
    x = np.random.default_rng(1).normal(size=(count, 5)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


def test_a_cut_network_is_narrower_and_goes_on_from_the_weights_that_stay() -> None:
    """Half of the units stay, in their order, with their rows and columns, and the fit begins with them."""
    x, y = rows()
    whole = DenseClassifier(hidden=[8, 6], epochs=2, random_state=0).fit(x, y)
    less = cut(whole, 0.5)(DenseClassifier(hidden=[8, 6], epochs=2, random_state=0))
    begun, before = less._begin[0], whole.get_tensors()
    comes, goes = np.square(before["body.1.weight"]).sum(axis=1), np.square(before["body.5.weight"]).sum(axis=0)
    stay = np.sort(np.argsort(-comes * goes)[:4])
    np.testing.assert_array_equal(begun["body.1.weight"], before["body.1.weight"][stay])
    np.testing.assert_array_equal(begun["body.2.running_mean"], before["body.2.running_mean"][stay])
    assert begun["body.5.weight"].shape == (3, 4) and begun["body.9.weight"].shape == (2, 3)
    assert less.fit(x, y).went_on_


def test_channels_of_a_convolutional_network_are_cut() -> None:
    """All stages keep their share, so that the narrower network is one of the same recipe."""
    x = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype(np.uint8)
    y = np.arange(40) % 2
    whole = ConvClassifier(width=4, epochs=1, random_state=0).fit(x, y)
    less = cut(whole, 0.5)(ConvClassifier(width=4, epochs=1, random_state=0)).fit(x, y)
    assert less.went_on_ and less.width == 2


def test_weights_that_are_held_at_0_stay_there() -> None:
    """Training on moves the others alone."""
    x, y = rows()
    whole = DenseClassifier(hidden=[8], epochs=2, random_state=0).fit(x, y)
    tensors = whole.get_tensors()
    zero = np.abs(tensors["body.1.weight"]) < np.median(np.abs(tensors["body.1.weight"]))
    tensors["body.1.weight"][zero] = 0
    after = DenseClassifier(hidden=[8], epochs=2, random_state=0).begin_from(tensors, done=0.0, holding=True).fit(x, y)
    weights = after.get_tensors()["body.1.weight"]
    assert (weights[zero] == 0).all() and (weights[~zero] != tensors["body.1.weight"][~zero]).any()


def test_a_network_in_bytes_predicts_nearly_the_same() -> None:
    """Rounding each row of a matrix to 255 steps moves a probability by little."""
    x, y = rows()
    whole = DenseClassifier(hidden=[8], epochs=3, random_state=0).fit(x, y)
    before = whole.predict_proba(x)
    assert np.abs(in_bytes(whole).predict_proba(x) - before).max() < 0.05


def test_soft_labels_are_rows_that_count_in_part() -> None:
    """The fit on shares is the fit on each row once for each class, weighted; whole shares are the plain fit."""
    x, y = rows()
    kin = Kin(groups=np.arange(len(y)))
    shares = np.random.default_rng(0).dirichlet([1, 1], len(y))
    told = {"weights": np.ones(len(y)), "wishes": Wishes(), "kin": kin}
    soft = fit_soft(LogisticRegression(tol=1e-8), x, shares, 2, **told)
    twin = LogisticRegression(tol=1e-8).fit(
        np.repeat(x, 2, axis=0), np.tile([0, 1], len(y)), sample_weight=shares.reshape(-1)
    )
    np.testing.assert_allclose(soft.predict(x), twin.predict_proba(x), atol=1e-4)
    hard = fit_soft(LogisticRegression(tol=1e-8), x, np.eye(2)[y], 2, **told)
    np.testing.assert_allclose(hard.predict(x), LogisticRegression(tol=1e-8).fit(x, y).predict_proba(x), atol=1e-4)


def test_who_takes_no_weights_cannot_be_taught() -> None:
    """The message says what a student's fit takes."""
    x, y = rows()
    with pytest.raises(RecipeError, match="a student's fit takes sample_weight"):
        fit_soft(
            KNeighborsClassifier(), x, np.eye(2)[y], 2, weights=np.ones(len(y)), wishes=Wishes(),
            kin=Kin(groups=np.arange(len(y))),
        )  # fmt: skip


def test_a_network_learns_shares_as_they_are() -> None:
    """A network of the zoo is fitted to shares without copies of rows, and says nearly what they say."""
    x, y = rows(400)
    shares = np.where(y[:, None] == np.arange(2), 0.8, 0.2)
    network = DenseClassifier(hidden=[16], epochs=30, random_state=0)
    fitted = fit_soft(network, x, shares, 2, weights=np.ones(400), wishes=Wishes(), kin=Kin(groups=np.arange(400)))
    assert fitted.rows == 400
    assert np.abs(fitted.predict(x) - shares).mean() < 0.16
