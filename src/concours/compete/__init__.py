"""Processes that rank: what they plan, not what a job does."""
