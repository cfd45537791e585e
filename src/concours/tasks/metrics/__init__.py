"""Metrics: how predictions are scored, how sure a score is, and the table of all that have a name."""
