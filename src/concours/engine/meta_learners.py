"""meta-learners: estimators that learn from members' predictions, and keep like any model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.ports import Store
from concours.engine.step_learners import FORMAT, StepLearner
from concours.entrants.fitting import Fitted, fit
from concours.entrants.models import dump_model, load_model
from concours.kernels.joining.blending import blend, log_probabilities
from concours.kernels.joining.pooling import sum_weights
from concours.kernels.rows.kin import Kin
from concours.stores.blobs import get_bundle, put_bundle

Floats = NDArray[np.float64]

_MOST_TREES = 300
_SHARE_A_LEAF = 100  # a leaf has one in so many rows, and no fewer than twenty


class Learner(Protocol):
    """What joins members by what it learned of them."""

    def predict(self, members: Sequence[Floats]) -> Floats:
        """Predictions (rows, outputs) from those of the members, (rows, outputs) each."""

    def shares(self, members: int) -> list[float]:
        """(members,) how much each counts."""


@dataclass(frozen=True, kw_only=True)
class MetaLearner:
    """Trees on members' predictions. Of numbers they say by how much a weighted sum of the members is to be moved.

    Attributes:
        weights: (members,) of that sum; empty for classes.
        scale: in which unit trees say it.
    """

    fitted: Fitted
    weights: tuple[float, ...] = ()
    scale: float = 1.0

    def predict(self, members: Sequence[Floats]) -> Floats:
        """Predictions (rows, outputs) from those of the members, (rows, outputs) each."""
        said = self.fitted.predict(_features(members))
        return said if self.fitted.classes else blend(members, np.asarray(self.weights)) + self.scale * said

    def shares(self, members: int) -> list[float]:
        """(members,) of what all splits of the trees gained, the part of those on a member; even where none split."""
        trees = [tree.nodes for step in getattr(self.fitted.estimator, "_predictors", []) for tree in step]
        gains = np.zeros(members)
        for nodes in trees:
            splits = nodes[nodes["is_leaf"] == 0]
            width = self.fitted.estimator.n_features_in_ // members
            np.add.at(gains, splits["feature_idx"] // width, splits["gain"])
        total = gains.sum()
        return (gains / total if total > 0 else np.full(members, 1 / members)).tolist()


def fit_meta_learner(
    members: Sequence[Floats],
    y: NDArray[Any],
    classes: int,
    *,
    seed: int,
    of_rows: Floats | None = None,
    kin: Kin | None = None,
) -> MetaLearner:
    """A meta-learner fitted on rows that the members have not seen.

    Small trees with many rows a leaf, stopped early by a tenth of the rows: members that are good already leave little
    to be learned.

    Args:
        members: (rows, outputs) predictions a member.
        y: (rows,) codes of the true classes, or values with `classes` 0.
        of_rows: (rows,) weights of the rows.
        kin: how rows belong together, where they do: those that say when to stop are then whole groups.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    params = {
        "learning_rate": 0.05,
        "max_iter": _MOST_TREES,
        "max_leaf_nodes": 8,
        "min_samples_leaf": max(20, len(y) // _SHARE_A_LEAF),
        "l2_regularization": 10.0,
        "max_features": 0.5,
        "early_stopping": True,
        "n_iter_no_change": 20,
        "random_state": seed,
    }
    x = _features(members)
    if classes:
        estimator = HistGradientBoostingClassifier(**params, monotonic_cst=[1] * x.shape[1] if classes == 2 else None)
        return MetaLearner(fitted=fit(estimator, x, y, classes, calibrate=False, weights=of_rows, kin=kin))
    scale = float(np.std(y)) or 1.0
    weights = sum_weights(members, y, of_rows)
    rest = (y - blend(members, weights)[:, 0]) / scale
    fitted = fit(HistGradientBoostingRegressor(**params), x, rest, 0, calibrate=False, weights=of_rows, kin=kin)
    return MetaLearner(fitted=fitted, weights=tuple(weights.tolist()), scale=scale)


def put_meta_learner(store: Store, learner: MetaLearner | StepLearner) -> Digest:
    """Keeps a meta-learner."""
    if isinstance(learner, StepLearner):
        return put_bundle(store, {"meta_learner.json": canonical_json(learner.head())})
    format, files, why = dump_model(learner.fitted)
    if format == "refit":
        raise ValueError(f"the meta-learner cannot be kept: {why}")
    head = {"format": format, "weights": list(learner.weights), "scale": learner.scale}
    return put_bundle(store, {"meta_learner.json": canonical_json(head), **files})


def get_meta_learner(store: Store, digest: Digest) -> Learner:
    """The meta-learner that was kept."""
    files = get_bundle(store, digest)
    head = json.loads(files["meta_learner.json"])
    if head["format"] == FORMAT:
        weights = tuple(tuple(row) for row in head["weights"])
        return StepLearner(weights=weights, horizon=head["horizon"], levels=head["levels"])
    return MetaLearner(fitted=load_model(head["format"], files), weights=tuple(head["weights"]), scale=head["scale"])


def _features(members: Sequence[Floats]) -> Floats:
    """(rows, features): values as they are; of two classes the log odds of the second, of more their logarithms."""
    if members[0].shape[1] == 1:
        return np.concatenate(members, axis=1)
    logs = [log_probabilities(p) for p in members]
    return np.concatenate([part[:, 1:] - part[:, :1] if part.shape[1] == 2 else part for part in logs], axis=1)
