"""Tables of documents, each of which belongs to a query."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.table import TABLE

RANKED: Final = replace(
    TABLE,
    what="a table, a row a document of a query",
    can=("columns",),
    reader="concours.tasks.queries:read",
    keys={"query": "the column that tells to which query a document belongs; `qid` of a file of SVMlight's form"},
    lacks=("weight", "positive", "classes", "labels", "text"),
)
