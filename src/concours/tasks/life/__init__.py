"""Remaining useful life: rows that are windows of units which run to failure."""
