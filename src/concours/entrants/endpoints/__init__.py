"""Endpoints: models behind an address of the OpenAI form. What is asked is kept, what it costs is bounded."""
