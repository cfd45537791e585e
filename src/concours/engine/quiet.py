"""Flower reads what it may tell its makers when it is imported. It tells them nothing from here: this comes first."""

import os

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"
