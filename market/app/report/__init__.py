"""Owns the pages that tell of runs in a browser. Knows nothing of how a run comes about."""
