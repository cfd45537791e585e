"""Interactions: who took, saw, bought or rated what. A user with items to recommend is a row, or each rating is."""
