"""The proof that nobody would gain by moving, (M4); it shares no code with the solver whose results it judges."""
