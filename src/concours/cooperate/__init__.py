"""Processes that join several entrants into one: what they plan, not what a job does."""
