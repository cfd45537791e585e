"""The description of a server as OpenAPI 3.1: the columns of each task with types, ranges and an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import concours
from concours.serving.doors.plain import ARROW, CSV, JSON, ZIP
from concours.serving.shelf import Version


def openapi(versions: Mapping[str, Version]) -> dict[str, Any]:
    """The document."""
    rows = {name: _row(each.pool.about) for name, each in versions.items()}
    schemas = {name: row for name, row in rows.items() if row}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Concours", "version": concours.__version__, "summary": "Models of contests, served."},
        "paths": {"/predict": {"post": _predict(versions, schemas)}},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _row(about: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a table as JSON Schema; nothing where rows are something else."""
    columns = about["columns"]
    if not columns:
        return {}
    return {
        "type": "object",
        "properties": {column["name"]: column["schema"] for column in columns},
        "required": [column["name"] for column in columns],
        "examples": [{column["name"]: column["schema"]["examples"][0] for column in columns}],
    }


def _predict(versions: Mapping[str, Version], schemas: Mapping[str, Any]) -> dict[str, Any]:
    one_of = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    rows = {"type": "array", "items": {"oneOf": one_of} if len(one_of) > 1 else one_of[0] if one_of else {}}
    content = {"schema": {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}}
    files: dict[str, Any] = {
        type: {} for each in versions.values() if (file := each.pool.about["file"]) for type in (file, ZIP)
    }
    return {
        "summary": "Predictions of rows",
        "parameters": [
            {"name": "model", "in": "query", "schema": {"enum": list(versions)}, "required": len(versions) > 1}
        ],
        "requestBody": {"required": True, "content": {JSON: content, CSV: {}, ARROW: {}, **files}},
        "responses": {
            "200": {"description": "predictions, and of classes their probabilities"},
            "400": {"description": "what is wrong, in a line"},
        },
    }
