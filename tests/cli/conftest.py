"""What tests of the command line share."""

from __future__ import annotations

import pytest

from concours.cli.app import main


@pytest.fixture
def concours(monkeypatch, capfd):
    """Runs a command, as one text or word by word: its exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concours", *(words[0].split() if len(words) == 1 else words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        return code, *capfd.readouterr()

    return run
