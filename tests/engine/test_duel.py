"""Duels as jobs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from concours.compete.arena import Arena
from concours.compete.duels import duels_job
from concours.compete.tournament import Tournament
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.engine.runners.duel import duels
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_problem


def played(groups, *, process=None):
    """A duel of two on all rows; or a whole process of two, told."""
    store = MemoryStore()
    problem = toy_problem(store)
    rng, rows, width = np.random.default_rng(0), 60, len(problem.output.labels) or 1
    y = rng.integers(0, width, rows) if problem.output.labels else rng.random(rows)
    train = replace(problem.train, rows=rows, y=put_array(store, y), groups=None)
    if groups is not None:
        train = replace(train, groups=put_array(store, groups(rows)))
    problem = replace(problem, train=train, folds=put_array(store, np.arange(rows) % problem.n_folds))
    said = [rng.dirichlet(np.ones(width), rows) if problem.output.labels else rng.random((rows, 1)) for _ in range(2)]
    players = [Candidate(entrant=Entrant(f"p{i}", "toy"), oof=put_array(store, p)) for i, p in enumerate(said)]
    if process is None:
        job = duels_job(problem, players, [(0, 1, 0, rows)], seed=0, band=0.0, threads=1, label="")
        return duels(job, store).values["duels"][0]
    made = process(problem=problem)
    state = made.init(tuple(players), seed=0)
    while jobs := made.plan(state).jobs:
        state = made.update(state, Done(job=jobs[0].digest, values=duels(jobs[0], store).values))
    return made.shown(state)


def test_rows_of_a_group_are_one_observation():
    """Groups of one row each are as no groups; of one group nothing is known of the error."""
    alone, single = played(None), played(np.arange)
    assert single["stderr"] == pytest.approx(alone["stderr"]) and single["mean"] == alone["mean"]
    assert "groups" not in alone
    whole = played(lambda rows: np.zeros(rows, dtype=np.int64))
    assert whole["stderr"] is None and set(whole["groups"]) == {0}


def test_what_cannot_be_told_apart_is_a_tie():
    """All rows are one group: the duel is a tie, however great the difference, and the arena stays open."""
    together = lambda rows: np.zeros(rows, dtype=np.int64)  # noqa: E731
    assert played(together, process=Tournament)["rounds"][0][0]["winner"] is None
    apart = played(lambda rows: np.arange(rows) // 2, process=Arena)
    assert apart["ratings"] and not played(together, process=Arena)["settled"]
