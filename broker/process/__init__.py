"""The processes of a market: the broker as a server, and local nodes as its children."""
