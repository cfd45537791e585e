"""A federation of real sites before the leaderboard: what they train together, and each alone, competes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from concours.compete.shown import ShownSites
from concours.contest.forms import Form, is_of, list_of
from concours.contest.setup import Setup
from concours.contest.stages import Format, Option, Stage
from concours.cooperate.deployed import Deployed, federated_candidate
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError, nearest
from concours.core.optional import install_command, installed
from concours.engine.loop import Engine
from concours.entrants.recipes import resolve
from concours.kernels.federating.strategies import STRATEGIES
from concours.tasks.kinds import kind_named

NAME = "sites"
SERVER = "server"
"""The network on the server's own rows."""
