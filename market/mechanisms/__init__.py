"""Other ways to clear the same declarations: auctions and price formulas, each in a module with its source."""
