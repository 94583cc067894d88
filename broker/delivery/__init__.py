"""How messages reach their receivers in virtual time, and what is measured on the way."""
