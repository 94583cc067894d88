"""The values of a market: rules, plants, plans, declarations, network conditions. NumPy only."""
