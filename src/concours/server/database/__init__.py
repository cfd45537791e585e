"""The database of the platform: its tables, and the journal and the inbox of a hosted board in it."""
