"""Owns the summary that people read after a run. Knows nothing of how the run went about it."""
