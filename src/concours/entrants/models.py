"""Models as files: safetensors for networks of the zoo (`safetensors`) and of users (`weights`), the libraries' own
formats for boosted trees, skops for scikit-learn estimators. Nothing is pickled.

What neither can hold is kept as `refit`: the recipe, fitted again on the training part where the model is used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import safetensors.numpy

from concours.core.archive import require_unpackable, unzipped, zipped
from concours.core.digests import canonical_json
from concours.core.errors import TrustError
from concours.core.known import RECIPES
from concours.entrants.fitting import Fitted, _Constant
from concours.entrants.merging import mergeable
from concours.entrants.packed import packed, unpacked
from concours.entrants.soundness import require_sound

_OURS = "concours.entrants."
_MADE_AGAIN = tuple(f"{_OURS}{name}" for name in ("modules", "keras_models", "embedded"))
"""Modules of estimators that are made again by their jobs."""
_FOR_TORCH = "sklearn.externals.array_api_compat.torch"

_TRUSTED = frozenset(
    f"{module}.{name}"
    for module, names in {
        "functools": "partial",
        "numpy": "dtype",
        "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
        "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
        "sklearn.gaussian_process.kernels": "ConstantKernel Product RBF Sum WhiteKernel",
        "sklearn.metrics._dist_metrics": "EuclideanDistance64 EuclideanDistance32",
        "sklearn.neighbors._ball_tree": "BallTree",
        "sklearn.neighbors._kd_tree": "KDTree",
        "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
        "sklearn.tree._tree": "Tree",
        "sklearn.utils._bunch": "Bunch",
        "sklearn.utils.validation": "check_array",
        "concours.entrants.anomaly_detectors": "ECOD IsolationDetector LOFDetector OneClassDetector RobustZ",
        "concours.entrants.anomaly_labelled": "LabelledBoosting LabelledLogistic",
        "concours.entrants.anomaly_series": "ForecastResidual NearestWindow PastAlarm PastForest PastSurprise",
        "concours.entrants.clusters": "AutoencoderGroups DensityGroups KMeansGroups MixtureGroups RandomCentres",
        "concours.entrants.texts": "NaiveBayesLogistic TextTopics TextVectors",
        "concours.entrants.pictures": "PatchFeatures PixelComponents",
        "concours.entrants.sounds": "MelPictures MelStatistics",
        "concours.entrants.couples": "PairLikeness PairTerms",
        "concours.entrants.extractive": "BoostedSummariser RidgeSummariser",
        "concours.entrants.forecasting": "BoostedForecaster",
        "concours.entrants.hashed": "HashedTerms",
        "concours.entrants.hinge": "PrimalSVC",
        "concours.entrants.radial": "RadialSVC RadialSVR",
        "concours.entrants.rankers": "EvenRanker PairwiseRanker PointwiseRanker",
        "concours.entrants.scaled": "ScaledSVR",
        "concours.entrants.several": "EachTarget",
        "concours.entrants.preparation": "FlattenPixels",
        "concours.entrants.clips": "FrameAverage FrameMotion",
        "concours.entrants.minirocket": "MiniRocket",
        "concours.entrants.sequence_features": "WindowStatistics",
        "concours.entrants.summed": "SummedColumns",
        "concours.entrants.tables": "Codes Matrix Standard TableColumns",
        "concours.entrants.terms": "TableTerms",
        "concours.entrants.topics": "ColumnTopics",
        "concours.entrants.typical": "TypicalBoxes",
        "concours.entrants.windows": "WindowDetector",
        "concours.entrants.blobs": "BlobDetector",
        "concours.entrants.pauses": "PauseRecogniser TypicalTranscript",
        "concours.entrants.coloured": "ColourSegmenter ThresholdSegmenter TypicalMasks",
        "concours.entrants.filtered": "PixelBoosting PixelForest",
    }.items()
    for name in names.split()
)
"""Types, beyond those that skops knows, that a model may hold: they keep numbers and words, and run no code of a file's
choosing. A model never adds to this list."""


def dump_model(fitted: Fitted) -> tuple[str, dict[str, bytes], str]:
    """The format of a fitted model, its files, and why it is `refit` if it is."""
    estimator = fitted.estimator
    head = canonical_json({"codes": fitted.codes.tolist(), "classes": fitted.classes, "rows": fitted.rows})
    if isinstance(estimator, _Constant):
        return "constant", {"fitted.json": head}, ""
    if _of_users(estimator):  # whose code makes it again
        state = json.dumps(estimator.get_state()).encode()
        return "weights", {"fitted.json": head, "state.json": state, "tensors": _tensors(estimator)}, ""
    if type(estimator).__module__.startswith(_OURS) and hasattr(estimator, "get_state"):
        files = {"fitted.json": head, "state.json": json.dumps(_state(estimator)).encode()}
        if hasattr(estimator, "get_tensors"):
            return "safetensors", {**files, "tensors": _tensors(estimator)}, ""
        return "native", {**files, **estimator.get_files()}, ""
    try:
        content = dump_object(estimator)
        _known_types(content)
    except Exception as error:  # noqa: BLE001 (whatever skops cannot hold, in whichever way it says so)
        return "refit", {"fitted.json": head}, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return "skops", {"fitted.json": head, "model.skops": content}, ""


def _tensors(estimator: Any) -> bytes:
    """In fewer bytes, where it says by which packing."""
    tensors = packed(estimator.get_tensors(), getattr(estimator, "packing_", None))
    # safetensors writes the memory of an array as it lies, which of a transposed one is in another order
    return safetensors.numpy.save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()})


def _of_users(estimator: Any) -> bool:
    """Whether it is a user's network, or an estimator of theirs that gives its weights away, or a head on a model that
    lies in the store of the contest.
    """
    module = type(estimator).__module__
    return module in _MADE_AGAIN or (mergeable(estimator) and not module.startswith(_OURS))


def _state(estimator: Any) -> dict[str, Any]:
    kind = type(estimator)
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "params": estimator.get_params(),
        "state": estimator.get_state(),
    }


def load_model(format: str, files: Mapping[str, bytes], *, made: Callable[[], Any] | None = None) -> Fitted:
    """The inverse of `dump_model` for every format but `refit`.

    Args:
        made: makes the untrained estimator, for `weights`: a user's, whose code is elsewhere.

    Raises:
        TrustError: the file holds types that are not on the list.
    """
    head = json.loads(files["fitted.json"])
    if format == "weights" and made is not None:
        tensors = unpacked(safetensors.numpy.load(files["tensors"]))
        estimator = made().set_tensors(tensors, json.loads(files["state.json"]))
    else:
        estimator = _estimator(format, files)
    return Fitted(estimator, np.asarray(head["codes"], dtype=np.int64), head["classes"], head["rows"])


def _estimator(format: str, files: Mapping[str, bytes]) -> Any:
    if format == "constant":
        return _Constant()
    if format == "skops":
        return load_object(files["model.skops"])
    state = json.loads(files["state.json"])
    module, _, name = state["class"].partition(":")
    if not module.startswith(_OURS) or state["class"] not in RECIPES:
        raise TrustError(f"a model of type {state['class']} is not one of the zoo's")
    estimator: Any = getattr(import_module(module), name)(**state["params"])
    if format == "native":
        return estimator.set_files(files, state["state"])
    return estimator.set_tensors(unpacked(safetensors.numpy.load(files["tensors"])), state["state"])


def dump_object(value: Any) -> bytes:
    """A scikit-learn object as skops bytes. Law: what was made in the same way gives the same bytes."""
    return _canonical(_skops().dumps(value))


def _canonical(content: bytes) -> bytes:
    """The same archive with objects numbered in the order they come, and without times: equal objects, equal bytes."""
    files = unzipped(content)
    schema, numbers = json.loads(files.pop("schema.json")), _Numbers()
    names: dict[str, str] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if isinstance(node, dict):
            return {key: numbers[value] if key == "__id__" else walk(value) for key, value in node.items()}
        if isinstance(node, str) and node in files:
            return names.setdefault(node, f"{len(names)}{Path(node).suffix}")
        return node

    ordered = {"schema.json": json.dumps(walk(schema)).encode()}
    return zipped({**ordered, **{names[name]: data for name, data in files.items() if name in names}}, compress=True)


class _Numbers(dict[int, int]):
    """Numbers in the order in which they are first asked for."""

    def __missing__(self, key: int) -> int:
        self[key] = len(self)
        return self[key]


def load_object(content: bytes) -> Any:
    """The inverse of `dump_object`.

    Raises:
        TrustError: the content holds types from elsewhere than the known libraries.
        ContentRefused: it unpacks to too much, or holds a tree that cannot be walked through.
    """
    require_unpackable(content)
    value = _skops().loads(content, trusted=_known_types(content))
    require_sound(value)
    return value


def _skops() -> Any:
    """The library, without the torch that its list of scikit-learn's estimators would import by the way: that walks
    all packages below scikit-learn, one of which is for arrays of torch, and holds no estimator. It takes seconds.
    """
    aside = None if "torch" in sys.modules else sys.modules.setdefault(_FOR_TORCH, ModuleType(_FOR_TORCH))
    try:
        return import_module("skops.io")
    finally:
        if aside and sys.modules.get(_FOR_TORCH) is aside:
            del sys.modules[_FOR_TORCH]


def _known_types(content: bytes) -> list[str]:
    """The types in skops bytes beyond those that skops knows; refused unless they are on the list."""
    found: list[str] = _skops().get_untrusted_types(data=content)
    if foreign := sorted(set(found) - _TRUSTED):
        raise TrustError(f"the model holds types that are not trusted: {', '.join(foreign[:5])}")
    return found
