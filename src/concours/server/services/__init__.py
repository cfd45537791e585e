"""What can be done on the platform, a file a subject, for pages and API alike; permissions are decided here."""
