"""Owns the paper's case study, the only code that names its five VPPs. Knows nothing of how a day is solved."""
