"""Readers: from files, archives, folders, names and Python objects to tables, texts and pictures."""
