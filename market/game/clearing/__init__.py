"""How the market of a period clears: the price at which supply meets demand, who delivers what to whom, and how a shortage is rationed."""
