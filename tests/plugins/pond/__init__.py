"""A plugin with a row for each table, copied into a folder of its own and installed there by the tests."""
