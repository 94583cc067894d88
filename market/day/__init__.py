"""A day's economics: carbon, operating costs, roles, settlement, and the outcome of a market day."""
