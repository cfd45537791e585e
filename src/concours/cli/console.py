"""The console of boards, tables and progress."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment
from rich.text import Text

from concours.core.visible import visible


class Console(rich.console.Console):
    """A console whose texts hold no command to the terminal, wherever they come from; only its styles do."""

    def render_str(self, text: str, **form: Any) -> Text:
        """A string as a text, as wide as it will be shown."""
        return super().render_str(visible(text, keep="\n"), **form)

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The pieces of what is printed; in those that are text, all is visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text, keep="\n"), style, control)
