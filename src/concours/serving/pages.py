"""The page of a server: what it serves, what a row has, and how to ask, without a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from concours.report.page import environment
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
    token = " -H 'Authorization: Bearer TOKEN'" if guarded else ""
    row = {each["name"]: each["schema"]["examples"][0] for each in about["columns"][:_LISTED]}
    if not row and not about["inputs"]:
        text = (
            f"curl{token} -H 'Content-Type: application/zip' --data-binary @rows.zip '{address}/predict?model={name}'"
        )
        return [Request("Rows are files, as concours predict reads them.", text)]
    rows = json.dumps({"rows": [row or "a text"]}, ensure_ascii=False).replace("'", "'\\''")
    head = f"curl{token} -H 'Content-Type: application/json' -d '{rows}'"
    asked = [Request("Predictions, as JSON.", f"{head} '{address}/predict?model={name}'")]
    if about["columns"]:
        text = f"curl{token} -H 'Content-Type: text/csv' --data-binary @rows.csv '{address}/predict?model={name}'"
        asked.append(Request("A table, as CSV; Arrow and Parquet go the same way.", text))
    asked.append(Request("What it looks at in one row.", f"{head} '{address}/explain?model={name}'"))
    tensors = ", ".join(f"{each['name']} {each['datatype']}" for each in about["inputs"][:4])
    more = ", …" if len(about["inputs"]) > 4 else ""
    asked.append(
        Request(
            f"By the Open Inference Protocol, version 2; its inputs: {tensors}{more}.",
            f"curl{token} '{address}/v2/models/{name}'",
        )
    )
    return asked
