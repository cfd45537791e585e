"""Estimators of groups: what they find, how they name it, and how their models are kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from concours.engine.deterministic import deterministic
from concours.entrants.clusters import (
    AutoencoderGroups,
    DensityGroups,
    KMeansGroups,
    MixtureGroups,
    RandomCentres,
)
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model

ALL = [RandomCentres, KMeansGroups, MixtureGroups, DensityGroups, AutoencoderGroups]
FINDING = ALL[1:]
CENTRES = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 3.0], [0.0, 6.0, -3.0]])
REFERENCE = [*CENTRES[::-1].tolist(), [50.0] * 3, [60.0] * 3]
"""Three places that groups are near to, the other way round, and two that none is near to."""


def blobs(seed: int = 0, rows: int = 180) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % 3
    return CENTRES[codes] + rng.normal(scale=0.7, size=(rows, 3)), codes


def fitted(kind, **params):
    x, _ = blobs()
    with deterministic(threads=1, seed=0):
        return fit(kind(random_state=1, reference=REFERENCE, **params), x, x, None, calibrate=False)


@pytest.mark.parametrize("kind", FINDING)
def test_groups_that_lie_apart_are_found_without_being_told_how_many(kind):
    """Of new rows too, each in the place that the reference gives its group."""
    x, codes = blobs(seed=1)
    p = fitted(kind).predict(x)
    assert p.shape == (180, 5)
    np.testing.assert_array_equal(p.sum(axis=1), np.ones(180))
    assert adjusted_rand_score(codes, p.argmax(axis=1)) > 0.95
    np.testing.assert_array_equal(np.bincount(p.argmax(axis=1), minlength=5)[3:], [0, 0])
    assert (p.argmax(axis=1) == 2 - codes).mean() > 0.95


@pytest.mark.parametrize("kind", ALL)
def test_a_kept_model_says_the_same(kind):
    """Nothing is refitted."""
    found = fitted(kind)
    form, files, why = dump_model(found)
    assert (form, why) == ("skops", "")
    x, _ = blobs(seed=2)
    np.testing.assert_array_equal(load_model(form, files).predict(x), found.predict(x))


@pytest.mark.parametrize("kind", [RandomCentres, KMeansGroups, MixtureGroups, AutoencoderGroups])
def test_so_many_groups_as_are_asked_for(kind):
    x, _ = blobs()
    found = fitted(kind, groups=5).predict(x)
    assert len(np.unique(found.argmax(axis=1))) == 5


def test_rows_of_one_place_have_no_groups():
    for kind in ALL:
        with pytest.raises(ValueError, match="1 different rows are too few for 2 groups"):
            kind(random_state=0).fit(np.ones((20, 3)))


def test_where_rows_lie_nowhere_dense_it_is_k_means():
    x = np.random.default_rng(0).uniform(size=(40, 2))
    found = DensityGroups(groups=3, share=0.5, random_state=0).fit(x)
    assert len(found.slots_) == 3
