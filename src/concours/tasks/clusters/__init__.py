"""Clustering: rows of a table that are put into groups."""
