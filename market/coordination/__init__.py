"""How trade comes about beyond the game of a period: consensus on prices, and plans that see the market."""
