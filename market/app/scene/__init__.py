"""Owns what is to be seen of a market: its state after each record of its tape. Knows nothing of pages."""
