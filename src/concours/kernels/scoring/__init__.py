"""Scores of predictions, how sure they are, and what predictions show beyond a score."""
