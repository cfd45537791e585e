"""Competitions of other platforms, read into a folder of ours. Nothing of theirs runs while they are read."""
