"""Owns the page's pictures that move: SVG as text, quick enough for ten a second. Knows nothing of the page."""
