"""Advice: what to look into in data, and which entrants to run on it, by rules and by a record of past contests."""
