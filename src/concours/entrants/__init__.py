"""Entrants: from a recipe to a fitted model and back to predictions."""
