"""One period's game: sellers set prices, buyers choose sellers, a certificate proves or refuses equilibrium."""
