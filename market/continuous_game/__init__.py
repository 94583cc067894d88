"""Games in which each player chooses one number from an interval: their equilibrium, and its certificate."""
