"""What an entrant begins from, found and kept in the store of its contest: `begin` among its parameters.

It is `RUN:NAME`, a model of another contest; a folder of Hugging Face; or a file of safetensors. What is kept is
content: the parameter becomes its digest, and nothing in a run folder leads to where it lay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.digests import canonical_json
from concours.core.entrant import BEGIN, Entrant
from concours.core.errors import ConcoursError, ContestError, RecipeError
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.entrants.local.folders import files_of
from concours.entrants.recipes import Resolved
from concours.runs.result import Result
from concours.stores.blobs import get_array, get_bundle, get_table, is_table, put_bundle
from concours.tasks.duplicates import row_keys

_ABOUT, _WEIGHTS = "about.json", ".safetensors"
_TOKENIZER = "tokenizer.json"
_LETTERS, _PIXELS = "vocab.json", "preprocessor_config.json"
_OF_FOLDER = ("config.json", _TOKENIZER, "tokenizer_config.json", _LETTERS, _PIXELS, "generation_config.json")
_BY_CHANCE = 0.01
"""The share of rows that two tasks may have in common before one that was fitted on one is refused in the other."""

Files = Mapping[str, bytes]


def begun_from(resolved: Resolved, problem: Problem, store: Store, folder: Path) -> tuple[Entrant, tuple[str, ...]]:
    """The entrant with what it begins from as content, and what is to be known of that.

    A class of a user's file has parameters of its own by any name: what it makes of this one is its affair.

    Raises:
        ContestError: there is no such model, or it was fitted on rows that judge here.
    """
    entrant, named = resolved.entrant, resolved.entrant.params.get(BEGIN)
    if resolved.source or not entrant.had.fitted:
        return entrant, ()
    if BEGIN in entrant.search:
        raise ContestError(f"entrant {entrant.name}: begin cannot be searched for; write an entrant for each")
    if named is None:
        return entrant, ()
    try:
        files, notes = _found(str(named), problem, store, folder)
    except ConcoursError as error:
        raise ContestError(f"entrant {entrant.name}: begin: {error}") from None
    return replace(entrant, params={**entrant.params, BEGIN: put_bundle(store, files)}), notes


def _found(named: str, problem: Problem, store: Store, folder: Path) -> tuple[Files, tuple[str, ...]]:
    path, (run, colon, name) = folder / named, named.rpartition(":")
    if path.is_dir() and not (path / "run.json").exists():
        return _of_folder(path)
    if path.is_file():
        return _of_file(path)
    if colon and (folder / run / "run.json").is_file():
        return _of_run(Result.load(folder / run), name, problem, store)
    raise RecipeError(
        f"{named!r} is no model: write RUN:NAME, a model of the contest in a run folder, a folder of Hugging Face, or "
        "a file of safetensors"
    )


def _of_folder(path: Path) -> tuple[Files, tuple[str, ...]]:
    files = files_of(path)
    if not {_TOKENIZER, _LETTERS, _PIXELS} & files.keys():
        raise RecipeError(
            f"{path} has no {_TOKENIZER}, as a model of texts has, and no {_PIXELS}, as one of pictures has: save its "
            "tokenizer or its processor of pictures with save_pretrained"
        )
    kept = {name: file.read_bytes() for name, file in files.items() if name in _OF_FOLDER or file.suffix == _WEIGHTS}
    note = f"begins from {path.name}; what that has read, heard or seen, nobody says here"
    return {**kept, _ABOUT: canonical_json({"form": "folder", "name": path.name})}, (note,)


def _of_file(path: Path) -> tuple[Files, tuple[str, ...]]:
    if path.suffix != _WEIGHTS:
        raise RecipeError(f"{path.name} is no file of safetensors; no other weights are read")
    about = {"form": "tensors", "name": path.name}
    note = f"begins from {path.name}, with a new output layer; which rows that was fitted on, nobody says here"
    return {"weights.safetensors": path.read_bytes(), _ABOUT: canonical_json(about)}, (note,)


def _of_run(result: Result, name: str, problem: Problem, store: Store) -> tuple[Files, tuple[str, ...]]:
    candidate, other = result.candidate(name), result.setup.problem
    models = candidate.models
    files = get_bundle(result.folder.store, models[0]) if models else {}
    if "tensors" not in files or "state.json" not in files:
        raise RecipeError(f"{name} of {result.folder.path.name} is no network of the zoo, whose weights could be taken")
    notes = _common(other, result.folder.store, problem, store, name)
    state, head = json.loads(files["state.json"]), json.loads(files["fitted.json"])
    labels = [other.labels[code] for code in head["codes"]] if other.labels else []
    about = {"form": "model", "name": name, "kind": state["class"], "state": state["state"], "labels": labels}
    same = bool(labels) and labels == list(problem.labels)
    which = f", the first of {len(models)} models of its folds" if len(models) > 1 else ""
    last = "" if same else "; its output layer begins anew, as other things are told here"
    told = f"begins from {name} of {result.folder.path.name}{which}{last}"
    return {"weights.safetensors": files["tensors"], _ABOUT: canonical_json(about)}, (told, *notes)


def _common(other: Problem, there: Store, problem: Problem, here: Store, name: str) -> tuple[str, ...]:
    """What is to be said of rows that a model was fitted on and that judge here.

    Raises:
        ContestError: these are more than chance gives.
    """
    judging = [part for part in (problem.train, problem.test) if part]
    seen = _keys(other.train, there)
    own = np.concatenate([_keys(part, here) for part in judging])
    common = int(np.isin(own, seen).sum())
    if common > _BY_CHANCE * len(own):
        raise ContestError(
            f"{name} was fitted on {common:,} of the {len(own):,} rows by which is judged here, and would be judged by "
            "what it knows: begin from one that was fitted on other rows"
        )
    return (
        (f"{common:,} of {len(own):,} rows are as some that {name} was fitted on: scores flatter there",)
        if common
        else ()
    )


def _keys(part: Part, store: Store) -> Any:
    rows: Any = get_table(store, part.x) if is_table(store, part.x) else get_array(store, part.x)
    if isinstance(rows, pa.Table) and rows.num_columns == 1:
        rows = rows.column(0)
    return row_keys(rows)
