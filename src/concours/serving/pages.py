"""The page of a server: what it serves, what a row has, and how to ask, without a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from concours.report.page import environment
from concours.serving.doors.plain import CSV, ENDINGS, JSON, ZIP
from concours.serving.shelf import Version

_LISTED = 60
"""So many columns the example of a request has at most in full; of a row with more the first are shown."""


@dataclass(frozen=True)
class ShownColumn:
    """A column as texts."""

    name: str
    type: str
    seen: str
    example: str


@dataclass(frozen=True)
class Request:
    """A request to copy.

    Attributes:
        what: it is, in a sentence.
        text: of the command line.
    """

    what: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A model as a page shows it."""

    name: str
    lead: str
    columns: Sequence[ShownColumn]
    requests: Sequence[Request]


def page(versions: Mapping[str, Version], address: str, *, guarded: bool) -> str:
    """The page, as one HTML document that requests nothing.

    Args:
        address: of the server, as whoever asks for the page wrote it.
        guarded: whether it wants a token.
    """
    found = environment()
    loader = ChoiceLoader([PackageLoader("concours.serving"), *([found.loader] if found.loader else [])])
    models = [_shown(version, address.rstrip("/"), guarded=guarded) for version in versions.values()]
    return found.overlay(loader=loader).get_template("api.html.j2").render(models=models, guarded=guarded)


def _shown(version: Version, address: str, *, guarded: bool) -> Shown:
    about = version.pool.about
    score, name = about["score"], version.name
    lead = f"{about['model']} predicts {about['predicts']} ({about['kind']}, version {version.number})."
    if score["value"] is not None:
        low, high = score["interval"] or (None, None)
        sure = "" if low is None else f", 95% interval {low:.3g} to {high:.3g}"
        lead += f" On its board {score['metric']} was {score['value']:.4g}{sure}."
    columns = [
        ShownColumn(
            each["name"],
            each["schema"]["type"][0],
            each["seen"],
            json.dumps(each["schema"]["examples"][0], ensure_ascii=False),
        )
        for each in about["columns"]
    ]
    return Shown(name, lead, columns, _requests(name, about, address, guarded=guarded))


def _requests(name: str, about: Mapping[str, Any], address: str, *, guarded: bool) -> list[Request]:
    curl = "curl -H 'Authorization: Bearer TOKEN'" if guarded else "curl"
    bodies = _bodies(about)
    asked = [Request(what, f"{curl} {body} '{address}/predict?model={name}'") for what, body in bodies]
    if about["explained"]:
        asked.append(Request("What it looks at in one row.", f"{curl} {bodies[0][1]} '{address}/explain?model={name}'"))
    if about["inputs"]:
        tensors = ", ".join(f"{each['name']} {each['datatype']}" for each in about["inputs"][:4])
        more = ", …" if len(about["inputs"]) > 4 else ""
        said = f"By the Open Inference Protocol, version 2; its inputs: {tensors}{more}."
        asked.append(Request(said, f"{curl} '{address}/v2/models/{name}'"))
    return asked


def _bodies(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """In which forms rows can be sent: what each is, in a sentence, and how curl is told it."""
    if file := about["file"]:
        one = _sent(file, f"@row{ENDINGS[file]}")
        return [("Predictions, as JSON, of one file.", one), ("Of several, as a zip.", _sent(ZIP, "@rows.zip"))]
    if not about["columns"] and not about["inputs"]:
        return [("Rows are files, as concours predict reads them.", _sent(ZIP, "@rows.zip"))]
    row = {each["name"]: each["schema"]["examples"][0] for each in about["columns"][:_LISTED]}
    rows = json.dumps({"rows": [row or "a text"]}, ensure_ascii=False).replace("'", "'\\\\''")
    written = ("Predictions, as JSON.", f"-H 'Content-Type: {JSON}' -d '{rows}'")
    table = ("A table, as CSV; Arrow and Parquet go the same way.", _sent(CSV, "@rows.csv"))
    return [written, table] if row else [written]


def _sent(type: str, body: str) -> str:
    return f"-H 'Content-Type: {type}' --data-binary {body}"
