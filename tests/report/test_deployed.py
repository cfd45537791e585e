"""What the report tells of real sites, and what it leaves out where nobody knows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from concours.report.sections.deployed import deployed_section

OPEN = {"sites": ["a", "b"], "away": {}, "rows": [9, 3], "weights": [0.75, 0.25], "norms": [1.0, 2.0]}
ROUND = {**OPEN, "bytes": [8, 8], "moved": 1.0, "loss": 0.5}
SUMMED = {"sites": ["a", "b"], "away": {}, "rows": [12], "bytes": [16, 16], "moved": 1.0, "loss": None}
LOST = {"sites": [], "away": {"b": "site b was not there"}, "lost": "the round is lost"}
PRIVACY = {"epsilon": 4.0, "asked": 4.0, "delta": 1e-5, "bound": 2.0, "noise": [0.8, 0.9]}


def section(**told: Any) -> Any:
    found = {"name": "deployed", "of": "server", "strategy": "fedavg", "sites": ["a", "b"], "rounds": [ROUND], **told}
    report: Any = SimpleNamespace(value={"format": found})
    return deployed_section(report)


def test_in_the_open() -> None:
    """Losses and lengths, and that nothing was promised."""
    found = section()
    assert len(found.figures) == 2
    assert "No privacy was promised" in " ".join(found.text)
    assert found.figures[1].table.rows[0] == ("a", "1 of 1", "9", "75.0%", "1", "0.00")


def test_sums_alone() -> None:
    """No picture of what is not known; who sent, and why a round is lost, stand in tables."""
    found = section(secure=True, rounds=[SUMMED, LOST], privacy={**PRIVACY, "where": "site"})
    assert not found.figures
    rounds, sites = found.tables
    assert rounds.rows[1] == ("2", "nobody", "site b was not there; the round is lost")
    assert sites.rows[0] == ("a", "1 of 2", "0.00")
    assert "nothing of what one of them sent" in " ".join(found.text)


def test_what_is_promised() -> None:
    """Of each row by the sites, or of each site by the server."""
    for where, who in (("site", "each row of a site"), ("server", "each site as a whole")):
        text = " ".join(section(privacy={**PRIVACY, "where": where}).text)
        assert f"ε = 4 at δ = 1e-05 is kept for {who}" in text
        assert "to a length of 2 and added noise of 0.8 to 0.9 times that" in text
