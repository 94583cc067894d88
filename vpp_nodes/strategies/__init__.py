"""How a plant behaves in the market where its owner has chosen a strategy for it, of whatever package."""
