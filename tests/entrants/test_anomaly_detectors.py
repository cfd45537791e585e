"""Detectors: what is strange scores high, scores are ranks among what was fitted on, and models survive their files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.entrants.anomaly_detectors import ECOD, IsolationDetector, LOFDetector, OneClassDetector, RobustZ
from concours.entrants.anomaly_labelled import LabelledBoosting, LabelledLogistic
from concours.entrants.anomaly_scores import Detector, ranked, shares_of
from concours.entrants.anomaly_series import ForecastResidual, NearestWindow, PastAlarm, PastForest, PastSurprise
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model
from concours.tasks.signals.past import first_row, rows_of

WINDOW = 16
OF_ROWS = [RobustZ, IsolationDetector, LOFDetector, OneClassDetector, ECOD, LabelledBoosting]
OF_STEPS = [ForecastResidual, NearestWindow, PastSurprise, PastAlarm, PastForest, LabelledLogistic]


def rows() -> tuple[np.ndarray, np.ndarray]:
    """300 rows of a cloud, every tenth far from it, and targets."""
    rng = np.random.default_rng(0)
    x, strange = rng.standard_normal((300, 4)), np.arange(300) % 10 == 0
    x[strange] = 8 * np.sign(x[strange])
    return x, np.stack([strange, 2.0 * np.arange(300)], axis=1)


def steps() -> tuple[np.ndarray, np.ndarray]:
    """A wave that jumps for some steps at its end, as rows, and targets."""
    rng, count = np.random.default_rng(0), 500
    values = np.sin(np.arange(count) / 4) + 0.1 * rng.standard_normal(count)
    strange = (np.arange(count) >= 440) & (np.arange(count) < 470)
    values[strange] += 4 * rng.choice([-1, 1], strange.sum())
    first = first_row(WINDOW)
    return rows_of(values, WINDOW, 25), np.stack([strange, np.arange(count)], axis=1)[first:].astype(float)


def _made(kind: type[Detector], window: int | None) -> Detector:
    known = kind._get_param_names()
    params = {"window": window, "random_state": 0}
    return kind(**{name: value for name, value in params.items() if name in known})


CASES = [*((kind, False) for kind in OF_ROWS), *((kind, True) for kind in [*OF_ROWS, *OF_STEPS])]


@pytest.mark.parametrize(("kind", "series"), CASES, ids=lambda case: getattr(case, "__name__", str(case)))
def test_what_is_strange_scores_high(kind: type[Detector], series: bool) -> None:
    """Of a table and of a series; and the model says the same when it is read from its files."""
    x, y = steps() if series else rows()
    fitted = fit(_made(kind, WINDOW if series else None), x, y, None, calibrate=False)
    told = fitted.predict(x)
    assert told.shape == (len(x), 1)
    strange = y[:, 0] > 0
    order = told[:, 0].argsort().argsort() / len(told)
    assert order[strange].mean() > 0.75, order[strange].mean()
    format, files, why = dump_model(fitted)
    assert (format, why) == ("skops", "")
    np.testing.assert_allclose(load_model(format, files).predict(x), told)


def test_the_autoencoder_cannot_repeat_what_is_strange() -> None:
    """And survives its files, with the ranks that it has learned."""
    pytest.importorskip("torch")
    from concours.entrants.anomaly_networks import AutoencoderDetector

    x, y = rows()
    x[:, 1:3] = x[:, :1] * np.array([1.0, -1.0])  # three columns say one thing
    x[y[:, 0] > 0, 1] *= -1
    fitted = fit(AutoencoderDetector(random_state=0, epochs=15), x, y, None, calibrate=False)
    told = fitted.predict(x)
    order = told[:, 0].argsort().argsort() / len(told)
    assert order[y[:, 0] > 0].mean() > 0.7
    format, files, _ = dump_model(fitted)
    np.testing.assert_allclose(load_model(format, files).predict(x), told, rtol=1e-5)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.lists(st.floats(-2e3, 2e3), min_size=2, max_size=20))
def test_ranks_never_fall_where_scores_rise(known: list[float], new: list[float]) -> None:
    """Nor do they leave the scale: none below 0, and those that were fitted on as their share says."""
    knots, shares = shares_of(np.asarray(known))
    told = ranked(np.sort(new), knots, shares)
    assert (np.diff(told) >= -1e-12).all()
    assert (told >= 0).all()
    own = ranked(np.asarray(known), knots, shares)
    naive = [-np.log10(np.mean(np.asarray(known) >= value)) for value in known]
    assert own == pytest.approx(naive, abs=1e-9)


def test_detectors_of_steps_refuse_rows_of_tables() -> None:
    """A table has no past."""
    x, y = rows()
    with pytest.raises(ValueError, match="suits no table"):
        PastSurprise().fit(x, y)
    with pytest.raises(ValueError, match="finite numbers"):
        RobustZ().fit(np.full((3, 2), np.nan), np.zeros((3, 2)))


@pytest.mark.parametrize("kind", [LabelledBoosting, LabelledLogistic])
def test_without_an_anomaly_what_uses_labels_still_fits(kind: type[Detector]) -> None:
    """As in a fold in which nothing happened."""
    x, y = steps()
    y[:, 0] = 0
    assert np.isfinite(_made(kind, WINDOW).fit(x, y).predict(x)).all()
