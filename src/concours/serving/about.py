"""What is said of a served model: what goes in, what comes out, and how well it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.runs.result import Result
from concours.serving.doors.explain import why_unexplained
from concours.serving.doors.plain import file_of
from concours.serving.model import Served
from concours.serving.tensors import inputs_of, outputs_of


def about(served: Served, *, together: bool, continuous: bool) -> dict[str, Any]:
    """As JSON.

    Args:
        together: whether requests may be answered at once.
        continuous: as of `serving.answering.Steps`.
    """
    result, output = served.result, served.output
    problem = result.setup.problem
    inputs, file = inputs_of(served), file_of(served)
    columns = served.columns if inputs or not file else ()
    return {
        "model": served.name,
        "kind": problem.kind,
        "predicts": output.said,
        "labels": list(output.labels),
        "classifier": output.estimator == "classifier",
        "columns": [{"name": each.name, "schema": each.schema, "seen": each.seen} for each in columns],
        "file": file,
        "explained": not why_unexplained(served),
        "inputs": inputs,
        "outputs": outputs_of(served),
        "score": _score(result, served.name),
        "digest": result.candidate(served.name).entrant.digest,
        "together": together,
        "continuous": continuous,
    }


def unlike(now: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """How a model asks or answers otherwise than another, so that who asks that one cannot be answered by it; empty
    where it can take its place. Whole numbers and fractions are read alike.

    Args:
        now, new: of `about`.
    """
    if now["kind"] != new["kind"]:
        return f"its kind is {new['kind']}, and not {now['kind']}"
    if now["labels"] != new["labels"]:
        return f"its classes are {_listed(new['labels'])}, and not {_listed(now['labels'])}"
    had, has = _types(now), _types(new)
    if gone := [name for name in had if name not in has]:
        return f"it has no column {gone[0]!r}"
    if more := [name for name in has if name not in had]:
        return f"it wants a column {more[0]!r} more"
    if other := [name for name in had if had[name] != has[name]]:
        return f"its column {other[0]!r} is of type {has[other[0]]}, and not {had[other[0]]}"
    for ends, said in (("inputs", "takes"), ("outputs", "answers with")):
        if not (ends == "inputs" and had) and now[ends] != new[ends]:
            return f"it {said} {_tensors(new[ends])}, and not {_tensors(now[ends])}"
    return ""


def _types(about: Mapping[str, Any]) -> dict[str, str]:
    """What a cell of each column is in JSON."""
    said = {each["name"]: each["schema"] for each in about["columns"]}
    types = {name: schema.get("format", schema["type"][0]) for name, schema in said.items()}
    return {name: "number" if type == "integer" else type for name, type in types.items()}


def _listed(names: Sequence[Any], most: int = 12) -> str:
    """Names, of many the first."""
    return ", ".join(map(str, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def _tensors(tensors: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['name']} {each['datatype']} {each['shape']}" for each in tensors) or "files"


def _score(result: Result, name: str) -> dict[str, Any]:
    """What it scored by the metrics of its board, with the interval of the one that ranks."""
    line = result.standings[name]
    value = line.score if line.corrected is None else line.corrected
    return {
        "metric": result.standings.metrics[0],
        "value": value,
        "interval": list(line.ci) if line.ci else None,
        "metrics": dict(line.metrics),
    }
