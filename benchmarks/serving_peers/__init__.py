"""Servers that others would write for the model of `benchmarks/serving.py`, each run by a Python of its own."""
