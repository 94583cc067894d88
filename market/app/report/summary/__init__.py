"""The summary of a run in the terminal."""
