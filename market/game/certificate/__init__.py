"""The proof that nobody would gain by moving, (M4)."""
