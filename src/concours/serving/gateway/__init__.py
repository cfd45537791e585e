"""One address in front of many models: who answers is chosen by what was measured, and what it costs is metered."""
