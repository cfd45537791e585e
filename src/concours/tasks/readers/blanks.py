"""Tables whose cells are set apart by blanks, as instruments and older programs write them."""

from __future__ import annotations

import io
import re

from concours.tasks.readers.archives import Entry

_CELL = re.compile(rb'"[^"]*"|\S+')
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_HEAD = 500  # lines


def with_tabs(entry: Entry, content: bytes) -> Entry | None:
    """The file with a tab for every stretch of blanks; none where it is no table of this form.

    It is one where no line has a tab, comma, semicolon or bar, all have the same number of cells, more than one, and
    nearly half of the cells are numbers.
    """
    lines = [line for line in content.splitlines() if line.strip()]
    head = [_CELL.findall(line) for line in lines[:_HEAD]]
    if not head or len({len(cells) for cells in head}) != 1 or len(head[0]) < 2:
        return None
    if any(re.search(rb"[\t,;|]", re.sub(rb'"[^"]*"', b"", line)) for line in lines[:_HEAD]):
        return None
    numbers = sum(bool(_NUMBER.match(cell)) for cells in head for cell in cells)
    if numbers < 0.4 * len(head) * len(head[0]):
        return None
    tabbed = b"\n".join(b"\t".join(_CELL.findall(line)) for line in lines) + b"\n"
    return Entry(name=entry.name, open=lambda: io.BytesIO(tabbed))
