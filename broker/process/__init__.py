"""The processes of a market: the broker as a server, local nodes."""
