"""What preparations cost, and which entrants of the zoo are of one family: what a plan for a budget goes by.

The seconds are rough, of one usual core. What has been measured in a contest goes before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from concours.entrants.zoo import Size

_READ = 4_000_000
"""Characters of which runs are counted (`entrants.texts`)."""


def _columns(size: Size) -> float:
    return 0.1 + 1.5e-7 * size.rows * (size.columns + size.letters)


def _texts(size: Size) -> float:
    characters = size.rows * size.letters
    return 0.1 + 8e-7 * characters + 4e-7 * min(characters, max(_READ, 200 * size.rows))


def _topics(size: Size) -> float:
    return 0.3 + 2 * _texts(size)


PREPARING: Mapping[str, Callable[[Size], float]] = {
    "columns": _columns,
    "codes": _columns,
    "matrix": _columns,
    "standard": _columns,
    "sums": _columns,
    "words": lambda size: _columns(size) + _texts(size),
    "tfidf": _texts,
    "topics": _topics,
    "pixels": lambda size: 0.05 + 2e-8 * size.rows * size.columns,
    "patches": lambda size: 0.5 + 1e-3 * size.rows * (0.05 + min(size.columns, 3072) / 3072),
    "components": lambda size: 0.3 + 2e-7 * size.rows * size.columns,
    "pair-terms": lambda size: 0.2 + 3 * _texts(size),
    "pair-likeness": lambda size: 0.3 + 3 * _texts(size),
    "mel-statistics": lambda size: 0.1 + 1e-3 * size.rows,
    "mel-pictures": lambda size: 0.1 + 5e-4 * size.rows,
    "frame-average": lambda size: 0.1 + 4e-9 * size.rows * size.columns,
    "frame-motion": lambda size: 0.1 + 2e-8 * size.rows * size.columns,
}
"""Seconds that preparing a fold takes, by the name of the preparation."""

_ALIKE = {
    "linear": ("logistic", "nb-logistic", "ridge", "elastic-net", "svm-primal"),
    "boosted trees": (
        "lightgbm",
        "lightgbm-random",
        "lightgbm-large",
        "xgboost",
        "catboost",
        "catboost-deep",
        "boosting",
    ),
    "forest": ("forest", "extra-trees"),
    "network": ("dnn", "dnn-scheduled", "dnn-embedded", "dnn-patches", "bag-of-words", "dlinear"),
    "convolution": ("cnn", "residual"),
    "attention": ("transformer", "vit"),
    "margin": ("svm",),
    "neighbours": ("knn",),
    "naive Bayes": ("naive-bayes",),
    "normal distributions": ("pca-gaussian", "gaussian-mixture"),
}

FAMILIES: Mapping[str, str] = {name: family for family, names in _ALIKE.items() for name in names}
"""The family of an entrant of the zoo, by its name; of one that is not here the name is its family."""
