"""Run folders, and all that is done with one: running, resuming, results, reports, verifying, comparing."""
