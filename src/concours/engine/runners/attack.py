"""Attackers and defenders: a model attacked in several ways, a network trained on that, and the board of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.fitting import keep_model
from concours.engine.prediction import Models
from concours.engine.rows import get_rows, held_out, sides, take_rows
from concours.engine.work import JobResult
from concours.entrants.adversaries import Pressure, harden, model_scores, network_scores
from concours.entrants.attacks import Scores, attack, box, right
from concours.insights import robustness as board
from concours.kernels.scoring.rounded import rounded
from concours.stores.blobs import get_array, put_array
from concours.stores.values import get_values

Flags = NDArray[np.uint8]


def attack_model(job: Job, store: Store) -> JobResult:
    """Attacks a model in several ways on the rows of one part, at most so many of them, drawn by `pick`.

    A row holds at a change of ε as long as it is named rightly and no attack has found a change of at most ε that makes
    the model err: so a row that is named wrongly never holds, and who holds at one ε holds at every lesser one.
    Of the settings of an attack the one that leaves least at the greatest ε is taken.

    Inputs: `model`; `x`, `y` of the part; `train`, whose inputs tell the range; `folds` where the part is what a fold
    holds out; `before`, what this job yielded for the defender a round earlier. Params: `classes`, `attacks`
    [{"name", "settings": [..]}], `epsilons` from the least, `rows`, `pick`, `fold`. Outputs: `held` (attacks, 1 +
    epsilons, rows) uint8, 1 where the row holds; the first of the second axis is for no change. Values:
        attacks: [{"chosen": which of its settings, "left": the share that holds at the greatest ε}].
        clean, worst, stderr: shares of rows that hold unchanged, and at the greatest ε against all attacks together.
        change, change_stderr: of `worst` since the round before, paired by rows; where there was one.
        farthest: the greatest change of a number that was made, as a share of its range.
        places, true, named: where `examples` are asked for, the first `shown` rows: their places in the part, their
        classes, and those that the model names, unchanged and after each attack at the ε number `at`. The output
        `examples` has these rows, (1 + attacks, shown, *shape) float32.
    """
    x, y, places = _rows_of(job, store)
    low, high = _range(get_rows(store, job.inputs["train"]))
    with deterministic(threads=job.threads, seed=job.seed):
        scores, rows = _defence(job, store, x)
        targets, epsilons = torch.from_numpy(y), list(job.params["epsilons"])
        with torch.no_grad():
            clean = right(scores(torch.from_numpy(rows)), targets).numpy()
        held, told, shown, farthest = [], [], list[NDArray[np.float32]](), 0.0
        for number, plan in enumerate(job.params["attacks"]):
            tried = []
            for place, settings in enumerate(plan["settings"]):
                generator = torch.Generator().manual_seed(job.seed + 1009 * number + place)
                found, far = _held(
                    plan["name"], settings, scores, rows, targets, clean, epsilons, (low, high), generator
                )
                tried.append(found)
                farthest = max(farthest, far)
            chosen = min(range(len(tried)), key=lambda place: tried[place][-1].sum())
            held.append(tried[chosen])
            told.append({"chosen": chosen, "left": rounded(tried[chosen][-1].mean())})
            if "examples" in job.outputs:
                shown.append(_example(plan["name"], plan["settings"][chosen], scores, rows, targets, job, (low, high)))
    whole = np.stack(held).astype(np.uint8)
    before = get_array(store, job.inputs["before"]) if "before" in job.inputs else None
    values = {
        "attacks": told,
        "clean": rounded(clean.mean()),
        "farthest": rounded(farthest),
        **board.standing(whole, before),
    }
    outputs = {"robust": put_array(store, whole)}
    if shown:
        pictures = np.stack([rows[: job.params["shown"]], *shown])
        outputs["examples"] = put_array(store, pictures)
        with torch.no_grad():
            values["named"] = [scores(torch.from_numpy(some)).argmax(dim=1).tolist() for some in pictures]
        values |= {"true": y[: job.params["shown"]].tolist(), "places": places[: job.params["shown"]].tolist()}
    return JobResult(outputs=outputs, values=values)


def train_on_attacks(job: Job, store: Store) -> JobResult:
    """Trains a network on for some epochs, half of every batch attacked; see `entrants.adversaries.harden`.

    Inputs: `model`; `x`, `y`, `folds` of the training part. Params: `fold`, which is held out, `attack`, `settings`,
    `epsilon`, `epochs`. Outputs: `model`.
    """
    x, (train, _) = get_rows(store, job.inputs["x"]), sides(job, store)
    low, high = _range(x)
    _, fitted = Models(store).model(job.inputs["model"])
    params = job.params
    pressure = Pressure(
        attack=params["attack"],
        settings=params["settings"],
        epsilon=params["epsilon"],
        low=low,
        high=high,
        epochs=params["epochs"],
    )
    y = get_values(store, job.inputs["y"])[train]
    with deterministic(threads=job.threads, seed=job.seed):
        harder = harden(fitted, _plain(take_rows(x, train)), y, pressure, seed=job.seed)
    return JobResult(outputs={"model": keep_model(job, store, harder)})


def robustness(job: Job, store: Store) -> JobResult:
    """The board of attacks against defenders, on the same rows.

    Inputs: `robust0`, `robust1`, … what `attack` yielded for each defender; `groups` of the part, and `folds` where a
    fold of it was attacked. Params: `attacks`, for each defender the numbers of the attacks in the order of its rows;
    `names`, of all attacks; `at`, which of the ε's the board is for; `white`, the numbers of the attacks that follow
    gradients; `rows`, `pick`, `fold`. Values: see `insights.robustness.robustness`.
    """
    params = job.params
    helds = [get_array(store, job.inputs[f"robust{i}"]).astype(np.float64) for i in range(len(params["attacks"]))]
    attacked = board.Attacked(helds=helds, made=params["attacks"], groups=_groups(job, store, helds[0].shape[-1]))
    values = board.robustness(attacked, attacks=len(params["names"]), at=params["at"], white=params["white"])
    return JobResult(values=values)


def _held(
    name: str,
    settings: Mapping[str, Any],
    scores: Scores,
    rows: NDArray[np.float32],
    y: torch.Tensor,
    clean: NDArray[np.bool_],
    epsilons: Sequence[float],
    ends: tuple[Any, Any],
    generator: torch.Generator,
) -> tuple[Flags, float]:
    """Which rows hold, (1 + epsilons, rows), and the farthest change; rows that have fallen are left alone."""
    held, farthest = [clean], 0.0
    for epsilon in epsilons:
        standing = np.flatnonzero(held[-1])
        left = held[-1].copy()
        if len(standing) and epsilon:
            around, chosen = box(rows[standing], epsilon, *ends), torch.from_numpy(standing)
            moved = attack(name, scores, around, y[chosen], settings, generator=generator)
            with torch.no_grad():
                left[standing] = right(scores(moved), y[chosen]).numpy()
            span = (around.reach / epsilon).clamp(min=torch.finfo(torch.float32).tiny)
            farthest = max(farthest, float(((moved - around.rows).abs() / span).max()))
        held.append(left)
    return np.stack(held), farthest


def _example(
    name: str,
    settings: Mapping[str, Any],
    scores: Scores,
    rows: NDArray[np.float32],
    y: torch.Tensor,
    job: Job,
    ends: tuple[Any, Any],
) -> NDArray[np.float32]:
    """The first rows as an attack leaves them."""
    count, epsilon = job.params["shown"], job.params["epsilons"][job.params["at"]]
    generator = torch.Generator().manual_seed(job.seed)
    moved = attack(name, scores, box(rows[:count], epsilon, *ends), y[:count], settings, generator=generator)
    return moved.detach().numpy()  # type: ignore[no-any-return]


def _defence(job: Job, store: Store, x: Any) -> tuple[Scores, NDArray[np.float32]]:
    """The scores of the model that is attacked, and the rows in the form in which they are changed."""
    models = Models(store)
    fit, fitted = models.model(job.inputs["model"])
    transformer = fit.inputs.get("transformer")
    if transformer is None and hasattr(fitted.estimator, "network_"):
        return network_scores(fitted), _plain(x)
    columns = x.columns if isinstance(x, pd.DataFrame) else None
    shape, prepared = x.shape[1:], models.preparation(transformer) if transformer else None

    def back(rows: NDArray[np.float32]) -> Any:
        raw = rows.reshape(-1, *shape) if columns is None else pd.DataFrame(rows, columns=columns)
        return prepared.transform(raw) if prepared else raw

    return model_scores(fitted, back), _plain(x)


def _plain(x: Any) -> NDArray[np.float32]:
    """Rows as they are changed: (n, columns), or pictures (n, height, width, colours), float32."""
    rows = np.array(x, dtype=np.float32)
    return rows[..., None] if rows.ndim == 3 else rows


def _range(x: Any) -> tuple[Any, Any]:
    """The ends of the inputs' range: of pictures one for all pixels, of tables one a column."""
    if isinstance(x, pd.DataFrame):
        rows = x.to_numpy(dtype=np.float64)
        return rows.min(axis=0), rows.max(axis=0)
    return float(x.min()), float(x.max())


def _rows_of(job: Job, store: Store) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the part that are attacked, their targets, and their places in it."""
    y = get_values(store, job.inputs["y"])
    places = _places(job, store, len(y))
    return take_rows(get_rows(store, job.inputs["x"]), places), np.array(y[places]), places


def _places(job: Job, store: Store, count: int) -> NDArray[np.int64]:
    rows = np.arange(count)
    if "folds" in job.inputs:
        rows = np.flatnonzero(held_out(get_array(store, job.inputs["folds"]), job.params["fold"]))
    if len(rows) <= job.params["rows"]:
        return rows
    drawn = np.random.default_rng(job.params["pick"]).permutation(len(rows))[: job.params["rows"]]
    return np.asarray(rows[np.sort(drawn)])


def _groups(job: Job, store: Store, rows: int) -> NDArray[np.int64] | None:
    """The groups of the rows that were attacked, if they have any."""
    if "groups" not in job.inputs:
        return None
    groups = get_array(store, job.inputs["groups"])
    places = _places(job, store, len(groups))
    if len(places) != rows:
        raise ValueError(f"there are groups of {len(places)} rows, and {rows} were attacked")
    return np.unique(groups[places], return_inverse=True)[1]
