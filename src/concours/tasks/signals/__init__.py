"""Signals: series of which each step is a row, told by what was before it."""
