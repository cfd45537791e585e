"""Weights of models joined into those of one."""
