"""Games as data: openings, drawn or read, and what names a game."""
