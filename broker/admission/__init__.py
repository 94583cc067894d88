"""Who and what may come in from outside."""
