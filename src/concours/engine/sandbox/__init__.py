"""The sandbox: programs of others, run by bubblewrap where they see what they were given, and nothing else."""
