"""Owns what a run folder tells of its network: tables, totals, pictures. Knows nothing of how messages travel."""
