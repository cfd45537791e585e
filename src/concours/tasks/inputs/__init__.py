"""What rows can be: one sort of input a file."""
