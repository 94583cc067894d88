"""Owns the commands `experiment …`: studies of many days, each a folder. Knows nothing of how a day is solved."""
