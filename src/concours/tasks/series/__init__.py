"""Series: rows that are stretches of them, cut at origins from which they are forecast."""
