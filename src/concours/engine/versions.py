"""The versions that a result was made with."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "concours",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "skops",
    "statsforecast",
    "implicit",
    "torch",
    "transformers",
    "keras",
    "lightgbm",
    "catboost",
    "xgboost",
    "xgboost-cpu",
)


def versions(plugins: Iterable[str] = ()) -> dict[str, str]:
    """Of Python, and of the packages that can change a result; those that are not installed are left out.

    Args:
        plugins: further distributions.
    """
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *sorted(set(plugins))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
