"""Analyses for the report: pure functions of rows, targets, predictions, and a `predict` that is passed in."""
