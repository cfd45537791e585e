"""Composition without a folder: what a contest is, from its file to the circle of its processes."""
