"""Local models: language models whose weights lie in a folder, asked on this machine."""
