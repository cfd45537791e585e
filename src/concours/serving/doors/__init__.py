"""Protocols, as far as they concern a model: what a request asks of it, and how its answer is written."""
