"""What somebody submits, or a host scores by, as programs in a sandbox: which forms there are, and how each is run."""
