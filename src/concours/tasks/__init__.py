"""Tasks: kinds, readers, splits and metrics."""
