"""Owns the front door: what `import market` offers to scripts and notebooks. Knows nothing of how days are run."""
