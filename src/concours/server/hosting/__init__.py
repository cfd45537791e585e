"""A competition as a folder: read, checked, opened, made anew, and brought from other platforms' formats."""
