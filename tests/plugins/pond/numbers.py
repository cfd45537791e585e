"""What the others read."""

WARMTH = 2.0
