"""Federations of real sites, over a SuperLink on loopback, with TLS and node authentication."""

from __future__ import annotations

import time
from typing import Any


def test_a_federation_of_two_sites(around: Any) -> None:
    """Two sites train, the federated model and that of each site stand on the board, judged by the server's rows."""
    with around.site("a") as said, around.site("b"):
        began = time.monotonic()
        result = around.run("two")
        print("seconds", time.monotonic() - began)
    print(said, result.warnings, [(x.entrant.name, x.status, x.score, x.reason) for x in result.standings])
    print(result.format)
    names = {line.entrant.name: line.status for line in result.standings}
    assert names == {"dummy": "ok", "server": "ok", "federated": "ok", "a alone": "ok", "b alone": "ok"}
