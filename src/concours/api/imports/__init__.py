"""Evaluations of other programs as contests: one file a format, one value of what was found, one writer."""
