"""The pages, one file a group of routes."""
