"""A virtual power plant as a node of the market: its dispatch, its trading, its protocol, its process."""
