"""Credit: what each member is worth to what they reach together."""
