"""How a period clears: where supply meets demand, who delivers what to whom, how a shortage is rationed."""
