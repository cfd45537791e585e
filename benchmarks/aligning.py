"""What aligning is worth: averages of two networks that began apart, as they are and aligned, beside their parents.

    python benchmarks/aligning.py [--pairs 2]

Networks of the zoo are fitted on real data, two by two with other seeds; each pair is averaged as it is, and after Git
Re-Basin weight matching; two more that begin alike, with the same seeds otherwise, are averaged as a soup does. Running
statistics are found anew for all averages. Printed are accuracy and log loss on rows that nobody was fitted on, and how
long matching took.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from concours.entrants.neural import (
    ConvClassifier,
    DenseClassifier,
    ResidualClassifier,
    VisionTransformerClassifier,
)
from concours.entrants.text_networks import EmbeddingBagClassifier, TextTransformerClassifier
from concours.kernels.merging.averages import average
from concours.kernels.merging.rebasin import matched, permuted

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
Rows = tuple[Any, Any]


def digits() -> Rows:
    """1,797 pictures of 8 × 8."""
    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8).astype(np.uint8), y


def cifar(each: int = 150) -> Rows:
    """So many photographs of each of ten classes."""
    from PIL import Image

    pictures, labels, seen = [], [], {}
    with tarfile.open(DATA / "cifar10-subset/cifar10-subset.tar.gz") as archive:
        for entry in sorted((e for e in archive if e.isfile()), key=lambda e: e.name):
            part, label = Path(entry.name).parts[-3:-1]
            if part == "train" and seen.setdefault(label, 0) < each:
                seen[label] += 1
                pictures.append(np.asarray(Image.open(io.BytesIO(archive.extractfile(entry).read()))))  # type: ignore[union-attr]
                labels.append(label)
    return np.stack(pictures), np.array(labels)


def news(most: int = 3000) -> Rows:
    """So many titles and descriptions."""
    with gzip.open(DATA / "ag-news-7600/test.csv.gz", "rt", newline="") as file:
        rows = list(csv.reader(file))[:most]
    return np.array([" ".join(row[1:]) for row in rows], dtype=object), np.array([row[0] for row in rows])


NETWORKS: list[tuple[str, Callable[[], Rows], str, Callable[..., Any]]] = [
    ("digits", digits, "dense", lambda **o: DenseClassifier(epochs=10, **o)),
    ("digits", digits, "dense, no norm", lambda **o: DenseClassifier(norm="none", epochs=10, **o)),
    ("digits", digits, "convolutional", lambda **o: ConvClassifier(epochs=4, **o)),
    ("digits", digits, "residual", lambda **o: ResidualClassifier(epochs=4, **o)),
    ("digits", digits, "vision transformer", lambda **o: VisionTransformerClassifier(epochs=8, **o)),
    ("cifar10-subset", cifar, "convolutional", lambda **o: ConvClassifier(epochs=5, **o)),
    ("cifar10-subset", cifar, "residual", lambda **o: ResidualClassifier(epochs=5, **o)),
    ("ag-news-7600", news, "bag of words", lambda **o: EmbeddingBagClassifier(epochs=5, **o)),
    ("ag-news-7600", news, "text transformer", lambda **o: TextTransformerClassifier(epochs=4, **o)),
]


def scores(estimator: Any, x: Any, y: Any) -> tuple[float, float]:
    """Accuracy and log loss."""
    p = estimator.predict_proba(x)
    codes = np.searchsorted(estimator.classes_, y)
    return float((p.argmax(axis=1) == codes).mean()), float(-np.log(p[np.arange(len(y)), codes].clip(1e-15)).mean())


def averaged(make: Callable[..., Any], one: Any, tensors: list[dict[str, Any]], x: Any) -> Any:
    """The average as a model, whose running statistics are those of the rows."""
    return make(random_state=0).set_tensors(average(tensors, [0.5, 0.5]), one.get_state()).renew_statistics(x)


def measured(make: Callable[..., Any], x: Any, y: Any, seed: int) -> dict[str, Any]:
    """One pair: scores of parents and averages, and seconds to match."""
    order = np.random.default_rng(seed).permutation(len(y))
    test, train = order[: len(y) // 3], order[len(y) // 3 :]
    one, other = (make(random_state=2 * seed + i).fit(x[train], y[train]) for i in (0, 1))
    alike = [make(random_state=2 * seed + i).begin_alike(seed).fit(x[train], y[train]) for i in (0, 1)]
    began, symmetries = time.perf_counter(), one.permutations()
    found = matched(one.get_tensors(), other.get_tensors(), symmetries)
    seconds = time.perf_counter() - began
    moved = permuted(other.get_tensors(), symmetries, found)
    models = {
        "as they are": averaged(make, one, [one.get_tensors(), other.get_tensors()], x[train]),
        "aligned": averaged(make, one, [one.get_tensors(), moved], x[train]),
        "begun alike": averaged(make, alike[0], [each.get_tensors() for each in alike], x[train]),
    }
    parents = np.mean([scores(each, x[test], y[test]) for each in (one, other)], axis=0)
    return {
        "parents": parents,
        **{name: scores(each, x[test], y[test]) for name, each in models.items()},
        "seconds": seconds,
    }


def main(pairs: int) -> None:
    """Prints a line a network: means over pairs."""
    names = ("parents", "as they are", "aligned", "begun alike")
    print(f"load {os.getloadavg()[0]:.1f}; means of {pairs} pairs; accuracy, log loss in brackets")
    print(f"| data | network | {' | '.join(names)} | matching, s |")
    print(f"|---|---|{'---:|' * (len(names) + 1)}")
    for data, rows, name, make in NETWORKS:
        x, y = rows()
        each = [measured(make, x, y, seed) for seed in range(pairs)]
        told = [np.mean([one[what] for one in each], axis=0) for what in names]
        cells = " | ".join(f"{accuracy:.3f} ({loss:.3f})" for accuracy, loss in told)
        print(f"| {data} | {name} | {cells} | {np.mean([one['seconds'] for one in each]):.2f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2, help="pairs of networks (default 2)")
    main(parser.parse_args().pairs)
