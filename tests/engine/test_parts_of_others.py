"""Parts of objects that a folder of others names: what is more than a known library's class is asked about."""

from __future__ import annotations

import pytest

from concours.engine.prediction import foreign


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"C": 1.0, "steps": [["a", {"$recipe": "sklearn.preprocessing:StandardScaler", "params": {}}]]}, set()),
        ({"func": {"$function": "numpy:log1p"}, "dtype": {"$class": "numpy:float32"}}, set()),
        ({"score_func": {"$function": "sklearn.feature_selection:f_classif"}}, set()),
        ({"func": {"$function": "scipy.special:expit"}}, set()),
        ({"func": {"$function": "numpy:load"}}, {"numpy:load"}),
        ({"func": {"$function": "numpy:absent"}}, {"numpy:absent"}),
        ({"func": {"$function": "numpy.testing:runstring"}}, {"numpy.testing:runstring"}),
        ({"func": {"$function": "sklearn.datasets:fetch_openml"}}, {"sklearn.datasets:fetch_openml"}),
        ({"steps": [["a", {"$recipe": "sklearn.datasets:load_files"}]]}, {"sklearn.datasets:load_files"}),
        ({"deep": [{"$recipe": "elsewhere:Thing", "params": {"x": {"$class": "other:Kind"}}}]}, {"elsewhere:Thing", "other:Kind"}),
        ({"func": {"$function": "mine.py:shift"}}, {"mine.py:shift"}),
    ],
)  # fmt: skip
def test_what_is_asked_about(params, asked):
    """Classes of scikit-learn and torch, and functions that only compute, run without asking; all else is named."""
    assert foreign(params) == asked
