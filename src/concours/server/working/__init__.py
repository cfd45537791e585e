"""Leased work: a queue that workers on any machine pull from, how they speak to it, and the worker itself."""
