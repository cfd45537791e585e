"""Ratings from battles: boards, pairs to show next, audits."""
