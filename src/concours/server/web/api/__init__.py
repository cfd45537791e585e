"""The API, one file a group of routes."""
