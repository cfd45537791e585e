"""The API as a page, made from its own description: nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from fastapi.responses import Response

from concours.server.services.access import Rule
from concours.server.web.pages.answering import page
from concours.server.web.routes import Asked, Routes

ROUTES = Routes(pages=True)

_METHODS: Final = ("get", "post", "put", "delete")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """place: `path`, `query` or `header`."""

    name: str
    place: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method at a path. body: of what type; answers: status and what it says."""

    group: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: str
    answers: tuple[tuple[str, str], ...]


@ROUTES.get("/api", Rule.ANYONE)
def api(asked: Asked) -> Response:
    """All operations of the API, by what they are about."""
    operations = sorted(_operations(asked.request.app.openapi()), key=lambda one: one.group)
    groups = [(name, list(found)) for name, found in groupby(operations, key=lambda one: one.group)]
    return page(asked, "api", groups=groups)


def _operations(described: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in described["paths"].items():
        for method in (one for one in _METHODS if one in methods):
            found = methods[method]
            yield Operation(
                group=_group(path),
                method=method.upper(),
                path=path,
                summary=found.get("summary", ""),
                description=found.get("description", ""),
                parameters=tuple(_parameter(one) for one in found.get("parameters", ())),
                body=_body(found.get("requestBody", {})),
                answers=tuple((code, one.get("description", "")) for code, one in found.get("responses", {}).items()),
            )


def _group(path: str) -> str:
    """What a path is about: its first word that says so."""
    words = [word for word in path.split("/") if word and word != "api" and not word.startswith("{")]
    return words[1] if words[:1] == ["competitions"] and len(words) > 1 else words[0]


def _parameter(one: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=one["name"],
        place=one["in"],
        type=_type(one.get("schema", {})),
        required=one.get("required", False),
        description=one.get("description", ""),
    )


def _body(body: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{kind}: {name}" if (name := _type(content.get("schema", {}))) else kind
        for kind, content in body.get("content", {}).items()
    )


def _type(schema: Mapping[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if among := schema.get("anyOf"):
        return " | ".join(filter(None, map(_type, among)))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))}[]"
    return str(schema.get("type", ""))
