"""The conformance suite of entrants."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.entrant import Entrant
from concours.core.registry import load
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.rows import take_rows
from concours.entrants.fitting import Fitted
from concours.entrants.fitting import fit as fit_estimator
from concours.entrants.models import dump_model, load_model
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.recipes import Resolved, build, resolve
from concours.tasks.inputs.table import IMAGE, TABLE, TEXT
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.output import Encoded, OutputKind
from concours.testing.laws import law
from concours.testing.merging import check_merging

_SEED = 7
_ROWS = 90


@dataclass(frozen=True)
class _Trial:
    """An entrant, and invented rows to try it out on.

    Attributes:
        x, new: rows to fit on and rows to predict, as the entrant gets them.
        y: codes of three classes, or values, (rows,); or whatever the output takes.
        output: of which targets are as they are; none of classes and numbers.
    """

    name: str
    resolved: Resolved
    x: Any
    new: Any
    y: Any
    classes: int | None
    workspace: Path
    output: OutputKind | None = None

    def built(self) -> Any:
        """The entrant, unfitted."""
        entrant = self.resolved.entrant
        source = self.resolved.source
        told = self.output.telling if self.output else {}
        return build(
            entrant.recipe, entrant.params, source, self.workspace, seed=_SEED, classes=self.classes, told=told
        )

    def fitted(self, rows: NDArray[np.int64] | None = None) -> Fitted:
        """The entrant, built anew and fitted with the one seed, on some rows or on all."""
        estimator = self.built()
        rows = np.arange(len(self.y)) if rows is None else rows
        return fit_estimator(
            estimator, take_rows(self.x, rows), take(self.y, rows), self.classes, calibrate=not self.resolved.source
        )


def check_entrant(
    entrant: Entrant | str,
    *,
    kind: str = "tabular-classification",
    folder: Path | str = ".",
    sentences: bool = False,
) -> str:
    """Checks that an entrant can compete, on invented rows: a few dozen, with gaps and words in a table.

    Laws:

    - it builds, and has `fit` and `predict`; fitted twice with one seed it predicts the same;
    - predictions are finite, one a row, and of classes a distribution; of an output of its own what that accepts;
    - it survives that a class is absent where it is fitted, and gives it hardly any weight;
    - what is loaded predicts what was dumped, or the model says `refit`;
    - if its weights can be merged, what `concours.testing.merging.check_merging` says;
    - it may draw from the global random numbers, which a job seeds and puts back, but does not seed them.

    Args:
        entrant: or only its recipe: `module:Class`, `./file.py:Class`, or a name of the zoo.
        folder: where the recipe's file name begins.
        sentences: whether the invented table has a column of these too.

    Returns:
        The form in which its models are kept: `skops`, `safetensors`, `native` or `refit`.

    Raises:
        LawBroken: with the law that does not hold.
        RecipeError: the recipe leads to no estimator.
    """
    entrant = Entrant(name=entrant, recipe=entrant) if isinstance(entrant, str) else entrant
    with tempfile.TemporaryDirectory(prefix="concours-") as workspace:
        trial = _trial(entrant, kind_named(kind), Path(folder), Path(workspace), sentences)
        first = _checked_fit(trial)
        with deterministic(threads=1, seed=_SEED):
            same = _same(_said(trial, first), _said(trial, trial.fitted()))
            law(same, f"{trial.name}: fitted twice with one seed it predicts the same")
            if trial.classes:
                _check_absent_class(trial)
            if trial.output is None:
                check_merging(trial.name, first, trial.built, trial.new)
            return _checked_round_trip(trial, first)


def _trial(entrant: Entrant, kind: Kind, folder: Path, workspace: Path, sentences: bool) -> _Trial:
    form = kind.widest if sentences else kind.form
    resolved = resolve(entrant, form=form, folder=folder)
    law(not resolved.skipped, f"{entrant.name}: {resolved.skipped}")
    if kind.output.estimator == "predictor":
        return _sampled(entrant.name, resolved, kind, workspace)
    x, y = _rows(kind) if kind.input.reader == TABLE.reader else _sample_rows(kind, workspace)
    if sentences:
        x = x.assign(remark=_remarks(y))
    x, new = _prepared(resolved.entrant.prepare, x)
    return _Trial(entrant.name, resolved, x, new, y, 3 if kind.output is Classes else 0, workspace)


def _sampled(name: str, resolved: Resolved, kind: Kind, workspace: Path) -> _Trial:
    """An entrant, and the sample of a kind whose targets are as they are."""
    rows, encoded = _read_sample(kind, workspace)
    output, _ = encoded.output.learned(rows, encoded.values, np.arange(len(encoded.values)), None)
    x, new = _prepared(resolved.entrant.prepare, _as_entrants_take(rows))
    return _Trial(name, resolved, x, new, encoded.values, output.codes, workspace, output)


def _prepared(name: str | None, x: Any) -> tuple[Any, Any]:
    """Rows to fit on, and a third of them to predict, as the entrant gets them."""
    new = take_rows(x, np.arange(len(x) // 3))
    if not name or name == "none":
        return x, new
    preparation = PREPARATIONS[name]()
    return preparation.fit_transform(x), preparation.transform(new)


def _sample_rows(kind: Kind, workspace: Path) -> tuple[Any, Any]:
    """The rows and the codes, or values, of a sample."""
    rows, encoded = _read_sample(kind, workspace)
    return _as_entrants_take(rows), encoded.values


def _read_sample(kind: Kind, workspace: Path) -> tuple[Any, Encoded]:
    """Rows as they were read, and targets as they are kept."""
    law(bool(kind.sample), f"{kind.name}: a kind has a sample of data to be checked by")
    task = load(kind.sample)(workspace, _SEED)
    data, _ = load(kind.input.reader)(task, kind, workspace)
    return data.x, kind.output.encode(data.y, task, data.name, **data.meta)


def _as_entrants_take(x: Any) -> Any:
    """Rows as they were read: an array, texts (rows,), or a frame."""
    if isinstance(x, pa.Table):
        return x.to_pandas()
    return x if isinstance(x, np.ndarray) else np.asarray(x.to_pylist(), dtype=object)


def _checked_fit(trial: _Trial) -> Fitted:
    """A fit from each of two states of the global random numbers: they differ after it too, unless it has set them."""
    after = []
    for seed in (1, 2):
        with deterministic(threads=1, seed=seed):
            fitted = trial.fitted()
            predictions = fitted.predict(trial.new)
            after.append(_global_state())
    for one, other in zip(*after, strict=True):
        law(one != other, f"{trial.name}: it does not seed the global random numbers; use random_state instead")
    if trial.output:
        trial.output.accepted(predictions, trial.new.shape[0])
        return fitted
    shape = (trial.new.shape[0], trial.classes or 1)
    given = predictions.shape
    law(given == shape, f"{trial.name}: predictions are (rows, outputs): expected {shape}, got {given}")
    law(bool(np.isfinite(predictions).all()), f"{trial.name}: predictions are finite")
    if trial.classes:
        sound = np.allclose(predictions.sum(axis=1), 1) and (predictions >= 0).all()
        law(bool(sound), f"{trial.name}: predictions of classes are distributions")
    return fitted


def _check_absent_class(trial: _Trial) -> None:
    predictions = trial.fitted(np.flatnonzero(trial.y != 1)).predict(trial.new)
    aligned = predictions.shape == (trial.new.shape[0], 3)
    law(aligned, f"{trial.name}: predictions have a column for a class that it has not seen")
    low = predictions[:, 1].min() > 0 and predictions[:, 1].max() < 1 / np.count_nonzero(trial.y != 1)
    law(bool(low), f"{trial.name}: a class that it has not seen has the weight of less than a row")


def _checked_round_trip(trial: _Trial, fitted: Fitted) -> str:
    format, files, why = dump_model(fitted)
    if format == "refit":
        law(bool(why), f"{trial.name}: a model that is kept as `refit` says why")
        return format
    same = _same(_said(trial, load_model(format, files, made=trial.built)), _said(trial, fitted))
    law(same, f"{trial.name}: the model that is loaded predicts what was dumped")
    return format


def _said(trial: _Trial, model: Any) -> Any:
    """What a model predicts of the new rows, in the form in which that is kept."""
    found = model.predict(trial.new)
    return trial.output.accepted(found, trial.new.shape[0]) if trial.output else found


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one.equals(other))


def _rows(kind: Kind) -> tuple[Any, NDArray[Any]]:
    """Invented rows of a kind, whose targets can be learned; three classes, or values."""
    rng = np.random.default_rng(_SEED)
    codes = np.arange(_ROWS) % 3
    y = codes if kind.output is Classes else codes + rng.normal(scale=0.1, size=_ROWS)
    if kind.input is TEXT:
        return _remarks(codes), y
    if kind.input is IMAGE:
        return (rng.random((_ROWS, 8, 8)) + codes[:, None, None]).astype(np.float32), y
    numbers = rng.normal(size=(_ROWS, 3)) + codes[:, None]
    numbers[rng.random(_ROWS) < 0.1, 2] = np.nan
    frame = pd.DataFrame(numbers, columns=["length", "width", "sometimes missing"])
    return frame.assign(colour=np.array(["red", "green", "blue"])[rng.permutation(codes)]), y


def _remarks(y: NDArray[Any]) -> NDArray[np.object_]:
    """Sentences (rows,) that tell the targets."""
    rng, words = np.random.default_rng(_SEED), np.array(["rain", "sun", "wind", "and", "the", "of"])
    codes = np.clip(np.round(y), 0, 2).astype(np.int64)
    drawn = np.where(rng.random((_ROWS, 8)) < 0.5, codes[:, None], rng.integers(3, 6, size=(_ROWS, 8)))
    return np.array([" ".join(words[row]) for row in drawn], dtype=object)


def _global_state() -> tuple[Any, Any]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 (the global generator is what is looked at)
    return random.getstate(), (state["state"]["pos"], state["state"]["key"].tobytes())
