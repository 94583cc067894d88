"""How messages reach their receivers, and what is counted on the way."""
