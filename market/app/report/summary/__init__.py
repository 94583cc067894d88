"""The summary of a run in the terminal, a module for each group of its tables."""
