"""Rows: their weights, and which of them belong together."""
