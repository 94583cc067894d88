"""A day's economics: carbon, costs, roles, settlement, outcome."""
