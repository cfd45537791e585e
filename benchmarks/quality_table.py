"""What the cells of `quality.py` say, in Markdown: scores by set, who is better outside the noise, and the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from quality_cells import SYSTEMS, Known, Place, stale
from quality_paired import Difference, mean_ranks, over_seeds, paired, row_losses, score
from quality_sets import Set

OURS, SINGLE = ("concours", "default"), ("concours", "single")
PEERS = {("autogluon-medium", "default"): "AutoGluon medium", ("autogluon-high", "default"): "AutoGluon high"}
MODELS = {OURS: "Concours", SINGLE: "its best single", **PEERS}
"""What is compared, by system and model."""
NOT_COUNTED = "adult-own-test"

NOTE = """\
Scores are means over the splits, lower is better. Differences are paired, by the losses on the same test rows (for the
RMSE by the delta method); over the splits, their mean, with the mean of their variances, not divided by the number of
splits, because splits share rows. Better and worse are those whose interval leaves zero out."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One set in the table.

    Attributes:
        seeds: splits that count: those that every system which has been run at all on the set has come to an end on.
        scores: mean over the splits, by system and model.
        differences: our default model minus each other one that there is.
    """

    which: Set
    seeds: tuple[int, ...]
    scores: dict[tuple[str, str], float]
    differences: dict[tuple[str, str], Difference]


def row(place: Place, cells: Known, which: Set) -> Row | None:
    """What is known of a set; none where nothing is."""
    there = {
        system: {seed for seed in which.seeds if (c := cells.get((system, which.name, seed))) and not c["error"]}
        for system in SYSTEMS
    }
    systems = [system for system, seeds in there.items() if seeds]
    seeds = tuple(sorted(set.intersection(*(there[system] for system in systems)))) if systems else ()
    if not seeds:
        return None
    losses = {
        seed: {key: each for system in systems for key, each in _losses(place, which, system, seed).items()}
        for seed in seeds
    }

    def difference(other: tuple[str, str]) -> Difference:
        return over_seeds([paired(which.metric, losses[seed][OURS], losses[seed][other]) for seed in seeds])

    others = [other for other in MODELS if other != OURS and {OURS, other} <= losses[seeds[0]].keys()]
    return Row(
        which=which,
        seeds=seeds,
        scores={
            key: float(np.mean([score(which.metric, losses[seed][key]) for seed in seeds])) for key in losses[seeds[0]]
        },
        differences={other: difference(other) for other in others},
    )


def _losses(place: Place, which: Set, system: str, seed: int) -> dict[tuple[str, str], Any]:
    arrays = np.load(place.cell(system, which.name, seed).with_suffix(".npz"))
    return {
        (system, model): row_losses(which.metric, arrays[model], arrays["y"], arrays["classes"])
        for model in ("default", "single")
    }


def table(place: Place, sets: Sequence[Set]) -> str:
    """Everything that is known, in Markdown."""
    cells = place.cells()
    rows = [one for which in sets if (one := row(place, cells, which))]
    return "\n\n".join(
        part for part in (_scores(rows), NOTE, _counts(rows), _runs(cells, sets, place.seconds), _faults(cells)) if part
    )


def _scores(rows: Sequence[Row]) -> str:
    head = ["set", "metric", "splits", *MODELS.values()]
    head += [text for title in PEERS.values() for text in (f"Concours − {title} [95%]", "Concours is")]
    lines = [
        [
            one.which.name,
            one.which.metric.replace("_", " "),
            f"{len(one.seeds)} of {len(one.which.seeds)}",
            *(f"{one.scores[model]:.5g}" if model in one.scores else "" for model in MODELS),
            *(text for peer in PEERS for text in _compared(one.differences.get(peer))),
        ]
        for one in rows
    ]
    return _markdown(head, lines, left=2)


def _compared(difference: Difference | None) -> tuple[str, str]:
    if difference is None:
        return "", ""
    low, high = difference.interval
    return f"{difference.value:+.3g} [{low:+.3g}, {high:+.3g}]", difference.outcome


def _counts(rows: Sequence[Row]) -> str:
    """Win, tie and loss over the sets that count."""
    counted = [one for one in rows if one.which.name != NOT_COUNTED]
    lines = [
        line
        for other, title in MODELS.items()
        for line in _won(title, [one.differences[other] for one in counted if other in one.differences])
    ]
    compared = [model for model in MODELS if any(model in one.scores for one in counted)]
    whole = [one for one in counted if all(model in one.scores for model in compared)]
    if whole and len(compared) > 1:
        ranks = mean_ranks(np.array([[one.scores[model] for model in compared] for one in whole]))
        named = ", ".join(f"{MODELS[model]} {rank:.2f}" for model, rank in zip(compared, ranks, strict=True))
        lines.append(f"- Mean rank over {len(whole)} sets: {named}.")
    return "\n".join(lines)


def _won(other: str, differences: Sequence[Difference]) -> list[str]:
    if not differences:
        return []
    by_interval, by_point = Counter(d.outcome for d in differences), Counter(d.point for d in differences)
    fine = by_point["better"] + by_point["equal"]
    counts = ", ".join(f"{by_interval[outcome]} {outcome}" for outcome in ("better", "equal", "worse"))
    means = f"{by_point['better']} better, {by_point['worse']} worse by the mean alone (better or equal on {fine})"
    return [f"- On {len(differences)} sets, the default model against {other}: {counts} by interval; {means}."]


def _runs(cells: Known, sets: Sequence[Set], limit: float) -> str:
    """Times of the runs, and which models ran."""
    names = {which.name for which in sets}
    lines, ran = [], []
    for system in SYSTEMS:
        mine = [cell for (who, name, _), cell in cells.items() if who == system and name in names]
        good = [cell for cell in mine if not cell["error"]]
        if not good:
            continue
        walls, cpus = [cell["wall_s"] for cell in good], [cell["cpu_s"] for cell in good]
        lines.append(
            [
                system,
                str(len(mine)),
                str(len(mine) - len(good)),
                f"{median(walls):.0f}",
                f"{max(walls):.0f}",
                str(sum(wall > limit for wall in walls)),
                f"{median(cpus):.0f}",
                f"{max(max(cell['load_at_start'], cell['load_at_end']) for cell in mine):.1f}",
                str(sum(map(stale, mine))),
            ]
        )
        models = Counter(name for cell in good for name in cell["fitted"])
        ran.append(f"- Models that {system} had, in how many of {len(good)} runs: {_counted(models)}.")
        versions = {f"{name} {version}" for cell in good for name, version in cell["versions"].items()}
        ran.append(f"- Versions of {system}: {', '.join(sorted(versions))}.")
    head = ["system", "runs", "failed", "wall s, median", "max", f"over {limit:.0f} s", "CPU s, median"]
    return _markdown([*head, "load, max", "stale"], lines, left=1) + "\n\n" + "\n".join(ran) if lines else ""


def _counted(models: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(models.items(), key=lambda pair: (-pair[1], pair[0])))


def _faults(cells: Known) -> str:
    return "\n".join(
        f"- Failed: {system} on {name}, seed {seed}: {cell['error']}"
        for (system, name, seed), cell in sorted(cells.items())
        if cell["error"]
    )


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]], *, left: int) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))
