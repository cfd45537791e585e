"""Models merged by their weights: what is wished, how it is done, and the folder that comes of it."""
