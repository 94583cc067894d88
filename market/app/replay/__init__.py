"""Owns the replay of a run: every decision on its tape computed again. Knows nothing of how runs go on."""
