"""Sequences: rows that are steps of channels, from tables with a row a step, arrays and `.ts` files."""
