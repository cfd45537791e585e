"""Array arithmetic: pure functions from arrays to frozen records. Imports numpy and scipy at most."""
