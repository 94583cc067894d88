"""Owns the run folder: which files a run leaves behind, and what is in them. Knows nothing of how it ran."""
