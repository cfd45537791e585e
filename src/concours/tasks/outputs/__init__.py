"""What can be predicted: one sort of output a file."""
