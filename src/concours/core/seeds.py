"""Seeds: one number for each role, derived from the contest's seed and from nothing that depends on code or order."""

from __future__ import annotations

import hashlib

from concours.core.digests import canonical_json


def derive_seed(seed: int, *parts: str | int) -> int:
    """A seed below 2³¹ for a role, e.g. `derive_seed(0, entrant.digest, "fit", fold)`.

    Law: the same arguments always give the same number, on every machine and in every process.
    """
    return int.from_bytes(hashlib.sha256(canonical_json([seed, *parts])).digest()[:4], "big") >> 1
