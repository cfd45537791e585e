"""Survival: rows with a time to an event, which may be censored."""
