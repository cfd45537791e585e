"""What pages say, in each language that they are written in."""
