"""Owns the page on which people watch a market. Knows nothing of how markets run; needs the extra `view`."""
