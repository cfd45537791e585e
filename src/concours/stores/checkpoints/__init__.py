"""Weights of models in safetensors files: read, merged and written, piece by piece."""
