"""The loop, the journal, executors, and the runners: what a job does."""
