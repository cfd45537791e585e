"""Who is better than whom: ranks, tiers, and tests that hold over many pairs, many looks and many tasks."""
