"""Sites: which rows are whose, by a column that no model is told, or drawn for study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from concours.contest.federations import check_federation
from concours.cooperate.federated import Federation
from concours.cooperate.privacy import Privacy
from concours.core.errors import ContestError, DataError, nearest
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.core.seeds import derive_seed
from concours.core.written import written
from concours.kernels.federating.dividing import SHARES, divided
from concours.kernels.federating.strategies import STRATEGIES
from concours.stores.blobs import get_table, is_table, put_array, put_table
from concours.stores.values import get_values

if TYPE_CHECKING:
    from concours.engine.ingest import Ingested

Codes = NDArray[np.int64]

_TRIES = 100
"""How often rows are drawn, until each site has one."""

_BINS = 10
"""Sites may differ in numbers, too: by tenths of the training rows."""


@dataclass(frozen=True, kw_only=True)
class Sites:
    """The names of sites, the site of each row of both parts, and how these came to be, in words."""

    names: tuple[str, ...]
    train: Codes
    test: Codes | None
    found: str


def with_sites(
    ingested: Ingested, options: Mapping[str, Any], store: Store, seed: int
) -> tuple[Ingested, Federation | None]:
    """The data as its sites have it, without the column that says whose a row is; and who trains together, and how.

    Without `sites` among the options the data is as it was, and nobody does.

    Raises:
        ContestError, DataError: no site can be told, one has no row, or there are too few for the strategy.
    """
    problem, wanted = ingested.problem, options.get("sites")
    if wanted is None:
        return ingested, None
    check_federation({name: value for name, value in options.items() if value is not None})
    if "by" in wanted:
        problem, sites = _by_column(problem, wanted["by"], store)
    else:
        sites = _drawn(problem, wanted, store, seed)
    rows = np.bincount(sites.train, minlength=len(sites.names))
    if not rows.all():
        empty = [sites.names[site] for site in np.flatnonzero(rows == 0)]
        raise ContestError(
            f"federation.sites: {len(empty)} of {len(sites.names)} sites have no row to train on ({_some(empty)}); "
            "take fewer sites, or a greater alpha"
        )
    federation = Federation(
        of=options["of"] or "",
        names=sites.names,
        sites=put_array(store, sites.train),
        test_sites=None if sites.test is None else put_array(store, sites.test),
        rows=tuple(rows.tolist()),
        found=sites.found,
        privacy=_promised(options["privacy"], rows.tolist()),
        **how(options, len(sites.names), seed),
    )
    warnings = [*ingested.warnings, *_warned(problem, sites, store)]
    return replace(ingested, problem=problem, warnings=tuple(warnings)), federation


def how(options: Mapping[str, Any], sites: int, seed: int) -> dict[str, Any]:
    """How sites train and a server aggregates, by what was asked for."""
    strategy, liars = STRATEGIES[options["strategy"]], options["liars"] or {}
    if options["strategy"] in ("krum", "multi-krum"):
        asked = max(1, round(options["sample"] * sites))
        bad = int(np.ceil(options["tolerate"] * asked))
        if asked < 2 * bad + 3:
            raise ContestError(
                f"federation.strategy: {options['strategy']!r} wants 2f + 3 sites or more a round where f of them may "
                f"lie; {asked} take part and f = {bad}: take more of them, or a smaller tolerate"
            )
    proximal = strategy.proximal if options["proximal"] is None else options["proximal"]
    rng = np.random.default_rng(derive_seed(seed, "federation", "liars"))
    lying = rng.choice(sites, size=round(liars.get("share", 0.0) * sites), replace=False)
    rate = {} if options["server_rate"] is None else {"rate": float(options["server_rate"])}
    return {
        "strategy": options["strategy"],
        "controls": strategy.controls,
        "rounds": options["rounds"],
        "sample": float(options["sample"]),
        "local": {
            "epochs": options["local_epochs"],
            "batch_size": options["batch_size"],
            "learning_rate": float(options["learning_rate"]),
            "optimiser": options["optimiser"],
            "momentum": float(options["momentum"]),
            "proximal": float(proximal),
        },
        "server": {"liars": float(options["tolerate"]), **rate},
        "dropouts": float(options["dropouts"] or 0.0),
        "stragglers": float(options["stragglers"] or 0.0),
        "liars": tuple(sorted(lying.tolist())),
        "times": float(liars.get("times", -10.0)),
    }


def promise_of(wanted: Mapping[str, Any]) -> Privacy:
    """What is promised, by `privacy` of `[federation]`."""
    return Privacy(
        epsilon=float(wanted["epsilon"]),
        delta=float(wanted["delta"]),
        where=wanted.get("where", "site"),
        bound=float(wanted.get("bound", 1.0)),
    )


def _promised(wanted: Mapping[str, Any] | None, rows: Sequence[int]) -> Privacy | None:
    """What is promised. A δ of a row's share would let a row be published whole, and still be kept."""
    if not wanted:
        return None
    privacy = promise_of(wanted)
    most, what = (max(rows), "rows of a site") if privacy.where == "site" else (len(rows), "sites")
    if privacy.delta >= 1 / most:
        raise ContestError(
            f"federation.privacy.delta must be below 1/{most}, of {most} {what}, or one of them could be shown whole; "
            f"got {privacy.delta:g}"
        )
    return privacy


def _by_column(problem: Problem, name: str, store: Store) -> tuple[Problem, Sites]:
    if not is_table(store, problem.train.x) or name not in get_table(store, problem.train.x).column_names:
        columns = get_table(store, problem.train.x).column_names if is_table(store, problem.train.x) else []
        told = nearest(name, columns) if columns else "rows of this kind have no columns; give a count of sites"
        raise ContestError(f"federation.sites.by: there is no column {name!r} that models get; {told}")
    parts = [part for part in (problem.train, problem.test) if part]
    cells = [get_table(store, part.x)[name].to_pylist() for part in parts]
    for part_cells, what in zip(cells, ("training", "test"), strict=False):
        if missing := sum(cell is None for cell in part_cells):
            raise DataError(
                f"federation.sites.by: {name!r} is missing in {missing} rows of the {what} part: whose are they?"
            )
    said = [[written(cell) for cell in part_cells] for part_cells in cells]
    names = sorted(set(said[0]))
    if len(names) < 2:
        raise ContestError(f"federation.sites.by: {name!r} is {names[0]!r} in all rows; two sites at least take part")
    if strange := sorted({cell for cell in said[-1] if cell not in names}):
        raise DataError(
            f"federation.sites.by: {len(strange)} sites have rows in the test part alone ({', '.join(strange[:3])}); "
            "each must have some to train on"
        )
    places = {cell: place for place, cell in enumerate(names)}
    codes = [np.array([places[cell] for cell in part_cells], dtype=np.int64) for part_cells in said]
    sites = Sites(
        names=tuple(names), train=codes[0], test=codes[1] if problem.test else None, found=f"by the column {name!r}"
    )
    without = replace(
        problem,
        train=_without(problem.train, name, store),
        test=_without(problem.test, name, store) if problem.test else None,
    )
    return without, sites


def _without(part: Part, name: str, store: Store) -> Part:
    table = get_table(store, part.x).drop_columns([name])
    if not table.num_columns:
        raise DataError(f"federation.sites.by: besides {name!r} there is no column to predict from")
    return replace(part, x=put_table(store, table))


def _drawn(problem: Problem, wanted: Mapping[str, Any], store: Store, seed: int) -> Sites:
    count, split, alpha = wanted["count"], wanted.get("split", "iid"), float(wanted.get("alpha", 0.5))
    if count > problem.train.rows:
        raise ContestError(f"federation.sites.count: {count} sites, and {problem.train.rows} rows to train on")
    targets = [get_values(store, part.y) for part in (problem.train, problem.test) if part]
    strata = _strata(targets, classes=len(problem.output.labels))
    rng = np.random.default_rng(derive_seed(seed, "federation", "sites"))
    classes = 1 + max(int(each.max()) for each in strata)
    for _ in range(_TRIES):
        shares = SHARES[split](classes, count, alpha, rng)
        train, *test = (divided(each, shares, rng) for each in strata)
        if len(np.unique(train)) == count:
            break
    width = len(str(count))
    how = f"{split}, alpha = {alpha:g}" if split != "iid" else split
    return Sites(
        names=tuple(f"site {number:0{width}d}" for number in range(1, count + 1)),
        train=train,
        test=test[0] if test else None,
        found=f"drawn: {how}",
    )


def _strata(targets: Sequence[NDArray[Any]], classes: int) -> list[Codes]:
    """What sites may differ in: classes, or tenths of the numbers of the first part."""
    if classes:
        return [np.asarray(each, dtype=np.int64) for each in targets]
    ends = np.quantile(targets[0], np.linspace(0, 1, _BINS + 1)[1:-1])
    return [np.searchsorted(ends, each).astype(np.int64) for each in targets]


def _warned(problem: Problem, sites: Sites, store: Store) -> list[str]:
    """What a person should know of the sites."""
    if not problem.output.labels:
        return []
    y = get_values(store, problem.train.y)
    single = [name for site, name in enumerate(sites.names) if len(np.unique(y[sites.train == site])) == 1]
    if not single:
        return []
    told = f"{len(single)} of {len(sites.names)} sites have one class only ({_some(single)})"
    return [f"{told}: alone they learn nothing else"]


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}"
