"""Owns the replay of a run: every decision on its tape computed again. Knows nothing of how a run is carried on."""
