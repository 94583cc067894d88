"""Who pays whom, what each has gained, the laws of a settlement, and the outcome of a market day."""
