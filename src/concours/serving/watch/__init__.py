"""What was asked of a served model, what it answered, and what turned out: drift, performance, and the next contest."""
