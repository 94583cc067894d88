"""Owns the pictures of a run. Knows nothing of how a run comes about."""
