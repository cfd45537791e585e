"""Candidates: resolved entrants with what they have from the beginning, in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from concours.api.beginnings import begun_from
from concours.compete.search import read_space
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError, DataError
from concours.core.had import Scheme, scheme_of
from concours.core.optional import install_command, installed
from concours.core.ports import Store
from concours.engine.ingest import Ingested
from concours.engine.monotone import require_columns
from concours.engine.recorded import record
from concours.entrants.recipes import Resolved, held_by
from concours.entrants.zoo import Size
from concours.stores.blobs import put_bundle, put_json
from concours.tasks.outputs.table import output_valued
from concours.tasks.predicted import Wanted
from concours.tasks.task import Task


def candidates_of(
    resolved: Sequence[Resolved], size: Size, ingested: Ingested, store: Store, task: Task, folder: Path
) -> tuple[tuple[Candidate, ...], list[str]]:
    """The candidates of a contest, and what is to be known of the files that some of them bring.

    Args:
        folder: where relative names of what they begin from begin.

    Raises:
        ContestError: two files are taken for one, or there is nothing that one could be judged by.
        DataError: a file of predictions is wrong.
    """
    candidates, notes = list[Candidate](), list[str]()
    for each in resolved:
        entrant, begun = begun_from(each, ingested.problem, store, folder)
        candidate = Candidate(
            entrant=entrant,
            code=_kept(each, store),
            expected_s=round(each.seconds(size), 2) if each.seconds else None,
            prepare_s=round(each.preparing(size), 2),
            family=each.family,
        )
        candidate, told = _recorded(candidate, each, ingested, store, task)
        _require_judged(candidate, ingested)
        require_columns(candidate.entrant, ingested.problem, store)
        candidates.append(candidate)
        notes += [f"{candidate.entrant.name}: {note}" for note in (*each.notes, *begun, *told)]
    _refuse_namesakes(candidates)
    return tuple(candidates), notes


def _kept(resolved: Resolved, store: Store) -> Digest | None:
    """The user's code, or the file that the recipe names, if a job reads it."""
    if resolved.content is None:
        return put_json(store, dict(resolved.source)) if resolved.source else None
    if not resolved.entrant.had.asked:
        return None
    if resolved.content.is_dir():
        parts = held_by(resolved.content, _scheme(resolved))
        return put_bundle(store, {name: file.read_bytes() for name, file in parts.items()})
    with resolved.content.open("rb") as file:
        return store.put(file)


def _scheme(resolved: Resolved) -> Scheme:
    found = scheme_of(resolved.entrant.recipe)
    assert found  # noqa: S101 (what has content has a scheme)
    return found


def _recorded(
    candidate: Candidate, resolved: Resolved, ingested: Ingested, store: Store, task: Task
) -> tuple[Candidate, tuple[str, ...]]:
    """With the predictions that are there, as far as they tell anything; and how their file was understood."""
    entrant, problem = candidate.entrant, ingested.problem
    if resolved.content is None or entrant.had.asked:
        return candidate, ()
    texts = output_valued(problem.output).texts
    wanted = Wanted(classes=problem.labels, texts=texts, id=task.id, target=task.target_column)
    try:
        found = record(resolved.content, ingested, store, wanted=wanted, honest=entrant.honest)
    except DataError as error:
        raise DataError(f"entrant {entrant.name}: {error}") from None
    return replace(candidate, oof=found.oof, test=found.test), found.notes


def _require_judged(candidate: Candidate, ingested: Ingested) -> None:
    """Refuses one that no rows are left to judge by."""
    entrant = candidate.entrant
    if entrant.had.fitted or candidate.oof or (entrant.had.asked and entrant.honest):
        return
    if ingested.problem.test and (candidate.test or entrant.had.asked):
        return
    why = "the task has no test part" if not ingested.problem.test else "its file has none of the test part"
    raise ContestError(
        f"entrant {entrant.name}: seen = {entrant.seen!r} leaves the test part alone to judge it by, and "
        f'{why}; say seen = "none" if it has seen no row of the task'
    )


def unsearchable(entrant: Entrant) -> str:
    """Why an entrant's search cannot be made here; empty if it can."""
    missing = entrant.search and not read_space(entrant.search).every and not installed("optuna")
    return f"its search needs optuna; get it with: {install_command('optuna')}" if missing else ""


def _refuse_namesakes(candidates: Sequence[Candidate]) -> None:
    """Two files of one name with one class name would be taken for one entrant."""
    known: dict[str, Candidate] = {}
    for candidate in candidates:
        other = known.setdefault(candidate.entrant.digest, candidate)
        if other.code != candidate.code:
            names = f"{other.entrant.name!r} and {candidate.entrant.name!r}"
            raise ContestError(f"entrant.recipe: {names} come from two files of one name; rename one of the files")
