"""Who and what may come in from outside: tokens, rates, refusals, viewers."""
