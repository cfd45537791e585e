"""Estimators of survival: what they learn, that their curves fall, and how their models are kept."""

from __future__ import annotations

import numpy as np
import pytest

from concours.core.errors import ContentRefused, MissingPackage
from concours.engine.deterministic import deterministic
from concours.entrants import survival_libraries
from concours.entrants.boosted_survival import XGBoostHazards
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model
from concours.entrants.survival import KaplanMeier, cumulated_hazards
from concours.entrants.survival_libraries import BoostedHazards, CoxModel, CoxNet, SurvivalForest
from concours.entrants.survival_networks import HazardNetwork
from concours.kernels.rows.kin import Kin
from concours.kernels.scoring.survival import brier_terms, concordance, kaplan_meier, rounded_lifetimes, uncensored

TIMES = (0.2, 0.5, 1.0, 2.0)


def people(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two columns that matter and one that does not, and times of which a third are censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)).astype(np.float32)
    time, lost = rng.exponential(np.exp(-x[:, 0] + 0.7 * x[:, 1])), rng.exponential(2.0, rows)
    return x, np.stack([np.minimum(time, lost) + 1e-3, time <= lost], axis=1).astype(np.float64)


def made(name: str):
    seed = {"times": TIMES, "random_state": 1}
    return {
        "kaplan-meier": lambda: KaplanMeier(times=TIMES),
        "cox": lambda: CoxModel(times=TIMES),
        "cox-net": lambda: CoxNet(**seed),
        "forest": lambda: SurvivalForest(n_estimators=15, **seed),
        "extra-trees": lambda: SurvivalForest(model="extra", n_estimators=15, **seed),
        "boosting": lambda: BoostedHazards(n_estimators=20, **seed),
        "xgboost": lambda: XGBoostHazards(rounds=20, **seed),
        "dnn": lambda: HazardNetwork(epochs=30, **seed),
    }[name]()


ALL = ["kaplan-meier", "cox", "cox-net", "forest", "extra-trees", "boosting", "xgboost", "dnn"]
PACKAGE = {"kaplan-meier": "numpy", "xgboost": "xgboost", "dnn": "torch"}


def fitted(name: str):
    pytest.importorskip(PACKAGE.get(name, "sksurv"))
    x, y = people()
    with deterministic(threads=1, seed=0):
        return fit(made(name), x, y, None, calibrate=False)


@pytest.mark.parametrize("name", ALL)
def test_curves_fall_and_tell_who_comes_first(name):
    """(rows, times), between 0 and 1; all but the baseline are better than Kaplan–Meier."""
    x, y = people(200, seed=1)
    p, times = fitted(name).predict(x), np.asarray(TIMES)
    assert p.shape == (200, 4)
    assert (np.diff(p, axis=1) <= 1e-12).all()
    assert p.min() >= 0
    assert p.max() <= 1
    known = uncensored(people()[1])
    score = brier_terms(y, p, times=times, known=known).mean()
    baseline = np.repeat(kaplan_meier(people()[1]).at(times)[None], 200, axis=0)
    if name == "kaplan-meier":
        np.testing.assert_array_equal(p, baseline)
    else:
        assert concordance(y, rounded_lifetimes(p, times)) > 0.68
        assert score < 0.95 * brier_terms(y, baseline, times=times, known=known).mean()


@pytest.mark.parametrize("name", ALL)
def test_a_kept_model_says_the_same(name):
    """Nothing is refitted, and nothing of a library is kept but XGBoost's own form."""
    found = fitted(name)
    form, files, why = dump_model(found)
    assert (form, why) == ("native" if name == "xgboost" else "safetensors", "")
    x, _ = people(20, seed=2)
    np.testing.assert_array_equal(load_model(form, files).predict(x), found.predict(x))


def test_forests_are_walked_as_the_library_does():
    ensemble = pytest.importorskip("sksurv.ensemble")
    x, y = people()
    steps = np.append(TIMES, 9.0)
    stepped = np.stack([steps[np.searchsorted(TIMES, y[:, 0])], y[:, 1]], axis=1)
    known = np.array([(event > 0, time) for time, event in stepped], dtype=[("event", "?"), ("time", "f8")])
    theirs = ensemble.RandomSurvivalForest(15, min_samples_leaf=15, max_features="sqrt", random_state=1).fit(x, known)
    curves = np.stack([curve(np.asarray(TIMES)) for curve in theirs.predict_survival_function(x[:40])])
    np.testing.assert_allclose(made("forest").fit(x, y).predict(x[:40]), curves, rtol=1e-5)


def test_the_hazard_that_all_share_is_the_rate_of_events():
    """Of equal risks Breslow's is Nelson and Aalen's: one of four, then one of three."""
    y = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 0.0], [4.0, 0.0]])
    found = cumulated_hazards(y, np.ones(4), np.array([0.5, 1.0, 3.0]))
    np.testing.assert_allclose(found, [0.0, 1 / 4, 1 / 4 + 1 / 3])


def test_a_tree_that_leads_outside_is_refused():
    form, files, _ = dump_model(fitted("forest"))
    from safetensors.numpy import load, save

    tensors = load(files["tensors"])
    inner = int(np.flatnonzero(tensors["trees.left"] != -1)[0])
    tensors["trees.left"][inner] = len(tensors["trees.left"]) + 5
    with pytest.raises(ContentRefused, match="outside of it"):
        load_model(form, {**files, "tensors": save(tensors)})


def test_rows_that_belong_together_are_set_apart_together():
    """The strength of the net is found by whole groups."""
    pytest.importorskip("sksurv")
    _, y = people()
    groups = np.arange(300) // 10
    net = CoxNet(random_state=0).keep_together(Kin(groups=groups, in_time=False))
    held = net._held(y)
    assert 0 < held.sum() < 300
    assert all(len(set(held[groups == group])) == 1 for group in range(30))


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(survival_libraries, "installed", lambda module: False)
    x, y = people()
    for name in ("cox", "forest"):
        with pytest.raises(MissingPackage, match=r"concours\[survival\]"):
            made(name).fit(x, y)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.ones(300), "must be times above 0 and events"),
        (np.stack([np.zeros(300), np.ones(300)], axis=1), "must be times above 0 and events"),
        (np.stack([np.ones(300), np.zeros(300)], axis=1), "all 300 rows are censored"),
        (np.ones((200, 2)), "same number of rows"),
    ],
)
def test_targets_of_another_form_are_refused(y, said):
    pytest.importorskip("sksurv")
    with pytest.raises(ValueError, match=said):
        CoxModel().fit(people()[0], y)
