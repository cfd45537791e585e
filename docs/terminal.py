"""Draws docs/terminal.svg, the picture in the README: what `concours show` prints of a run folder.

python docs/terminal.py runs/demo
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from concours.api.looking import look
from concours.cli.board import next_commands, print_result

WIDTH = 96


def main(folder: str) -> None:
    """Writes the picture beside this file."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print("$ [bold]concours demo[/]")
    result = look(folder)
    print_result(result, console)
    next_commands(result, console)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="concours"), flags=re.DOTALL)  # fonts from afar
    Path(__file__).with_name("terminal.svg").write_text(svg)


if __name__ == "__main__":
    main(sys.argv[1])
