"""Ratings from battles: counts, strengths, how sure they are, and what could be wrong with the votes."""
