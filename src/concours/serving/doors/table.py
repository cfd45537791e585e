"""The table of doors, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concours.serving.doors.door import Door
from concours.serving.doors.explain import EXPLAIN
from concours.serving.doors.oip import OIP
from concours.serving.doors.oip_grpc import OIP_GRPC
from concours.serving.doors.plain import PLAIN

DOORS: Final[Mapping[str, Door]] = {"plain": PLAIN, "explain": EXPLAIN, "oip": OIP, "oip-grpc": OIP_GRPC}
