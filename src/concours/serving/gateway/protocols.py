"""The protocols that offers speak: a row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concours.serving.gateway.oip import OIP
from concours.serving.gateway.openai import OPENAI
from concours.serving.gateway.work import Protocol

PROTOCOLS: Final[Mapping[str, Protocol]] = {"openai": OPENAI, "oip": OIP}
